-- The hub's tables. Append-only: never edit this file once it was released, add the next one.
--
-- Nobody but the role that owns the schema is granted anything in it.
CREATE SCHEMA hub;
REVOKE ALL ON SCHEMA hub FROM PUBLIC;

CREATE TABLE hub.migration (
    number     integer     PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- Facts about this database; `key_check` is what tells another master key from ours.
CREATE TABLE hub.fact (
    name  text  PRIMARY KEY,
    value bytea NOT NULL
);

-- A terminal's secret is derived from the hub's key, the name and the salt: it is not here.
CREATE TABLE hub.terminal (
    name        text        PRIMARY KEY CHECK (name ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
    salt        bytea       NOT NULL,
    old_salt    bytea,
    old_until   timestamptz,
    webhook_url text,
    added_at    timestamptz NOT NULL,
    revoked_at  timestamptz
);

CREATE TABLE hub.terminal_seen (
    terminal  text        PRIMARY KEY REFERENCES hub.terminal (name),
    last_seen timestamptz NOT NULL
);

-- How many events a terminal was told of. Its row is locked until the event's transaction
-- ends, so numbers become visible in their order and without gaps.
CREATE TABLE hub.mailbox (
    terminal text   PRIMARY KEY REFERENCES hub.terminal (name),
    events   bigint NOT NULL DEFAULT 0,
    -- The last event that its webhook took.
    posted   bigint NOT NULL DEFAULT 0
);

CREATE TABLE hub.event (
    terminal text        NOT NULL,
    number   bigint      NOT NULL,
    at       timestamptz NOT NULL,
    id       uuid        NOT NULL,
    version  bigint      NOT NULL,
    what     jsonb       NOT NULL,
    PRIMARY KEY (terminal, number, at)
) PARTITION BY RANGE (at);

-- What was answered to each message. The key is the terminal's own.
CREATE TABLE hub.message (
    terminal text        NOT NULL REFERENCES hub.terminal (name),
    key      uuid        NOT NULL,
    hash     bytea       NOT NULL,
    answer   jsonb,
    at       timestamptz NOT NULL,
    PRIMARY KEY (terminal, key)
);
CREATE INDEX message_at ON hub.message USING brin (at);

-- The last message about a subject that came.
CREATE TABLE hub.subject (
    terminal text   NOT NULL REFERENCES hub.terminal (name),
    subject  text   NOT NULL,
    last     bigint NOT NULL,
    PRIMARY KEY (terminal, subject)
);

-- Orders are partitioned by the month in which they came. A partitioned table cannot keep an
-- id unique across months, so the ids have a narrow table of their own.
CREATE TABLE hub.order_id (
    id        uuid        PRIMARY KEY,
    placed_at timestamptz NOT NULL,
    terminal  text        NOT NULL REFERENCES hub.terminal (name),
    hash      bytea       NOT NULL
);

CREATE TABLE hub.orders (
    id         uuid        NOT NULL,
    placed_at  timestamptz NOT NULL,
    terminal   text        NOT NULL,
    number     text        NOT NULL,
    customer   text,
    language   text        NOT NULL,
    state      text        NOT NULL,
    payment    text        NOT NULL,
    fulfilment text        NOT NULL,
    currency   text        NOT NULL,
    total      bigint      NOT NULL CHECK (total >= 0),
    carrier    text,
    tracking   text,
    version    bigint      NOT NULL DEFAULT 0,
    -- The order as the terminal sent it.
    body       jsonb       NOT NULL,
    PRIMARY KEY (placed_at, id)
) PARTITION BY RANGE (placed_at);
CREATE INDEX orders_by_state ON hub.orders (state, placed_at);
CREATE INDEX orders_by_number ON hub.orders (number);

CREATE TABLE hub.order_line (
    order_id     uuid        NOT NULL,
    placed_at    timestamptz NOT NULL,
    position     integer     NOT NULL,
    product      text        NOT NULL,
    title        text        NOT NULL,
    quantity     bigint      NOT NULL CHECK (quantity > 0),
    options      jsonb       NOT NULL,
    unit_price   bigint      NOT NULL,
    tax_rate_bp  bigint      NOT NULL,
    held_for_age boolean     NOT NULL,
    PRIMARY KEY (placed_at, order_id, position),
    FOREIGN KEY (placed_at, order_id) REFERENCES hub.orders (placed_at, id)
) PARTITION BY RANGE (placed_at);

-- What happened to an order. Never changed once written.
CREATE TABLE hub.order_event (
    order_id  uuid        NOT NULL,
    placed_at timestamptz NOT NULL,
    version   bigint      NOT NULL,
    at        timestamptz NOT NULL,
    -- `terminal`, `staff`, `page` (the payment page) or `hub`.
    by        text        NOT NULL,
    state     text,
    payment   text,
    note      text,
    PRIMARY KEY (placed_at, order_id, version),
    FOREIGN KEY (placed_at, order_id) REFERENCES hub.orders (placed_at, id)
) PARTITION BY RANGE (placed_at);

CREATE FUNCTION hub.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME;
END $$;
CREATE TRIGGER order_event_is_append_only BEFORE UPDATE OR DELETE ON hub.order_event
    FOR EACH ROW EXECUTE FUNCTION hub.refuse_change();

CREATE TABLE hub.payment_link (
    id         uuid        PRIMARY KEY,
    order_id   uuid        NOT NULL REFERENCES hub.order_id (id),
    expires_at timestamptz NOT NULL,
    used_at    timestamptz
);

CREATE TABLE hub.returns (
    number       bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    terminal     text        NOT NULL REFERENCES hub.terminal (name),
    reference    text        NOT NULL,
    order_id     uuid        NOT NULL,
    items        jsonb       NOT NULL,
    reason       text,
    exchange_for text,
    state        text        NOT NULL DEFAULT 'requested',
    asked_at     timestamptz NOT NULL,
    came_at      timestamptz NOT NULL,
    UNIQUE (terminal, reference)
);

CREATE TABLE hub.ticket (
    number    bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    terminal  text        NOT NULL REFERENCES hub.terminal (name),
    -- `ticket` or `feedback`.
    box       text        NOT NULL,
    reference text        NOT NULL,
    kind      text        NOT NULL,
    story     text        NOT NULL,
    at        timestamptz NOT NULL,
    came_at   timestamptz NOT NULL,
    UNIQUE (terminal, box, reference)
);

CREATE TABLE hub.customer (
    id     text PRIMARY KEY,
    name   text NOT NULL,
    card   text UNIQUE,
    phone  text,
    email  text,
    points bigint
);
CREATE INDEX customer_by_phone ON hub.customer (phone) WHERE phone IS NOT NULL;
CREATE INDEX customer_by_email ON hub.customer (email) WHERE email IS NOT NULL;

-- One row a language. Who changes products of a language holds its row until the end of the
-- transaction: changes become visible in the order of their numbers, and a reader that has
-- seen number n will never miss one below n. (A sequence would not do: its numbers commit out
-- of order.)
CREATE TABLE hub.catalog (
    language text   PRIMARY KEY,
    -- Tells this catalog from one that was made anew.
    epoch    uuid   NOT NULL,
    changes  bigint NOT NULL DEFAULT 0
);

CREATE TABLE hub.product (
    language text    NOT NULL REFERENCES hub.catalog (language),
    id       text    NOT NULL,
    -- The place in a whole hand-out; a product keeps it.
    place    bigint  GENERATED ALWAYS AS IDENTITY,
    row      jsonb   NOT NULL,
    -- The number of its last change; a deleted product stays as a mark.
    changed  bigint  NOT NULL,
    deleted  boolean NOT NULL DEFAULT false,
    PRIMARY KEY (language, id)
);
CREATE UNIQUE INDEX product_by_change ON hub.product (language, changed);
CREATE UNIQUE INDEX product_by_place ON hub.product (language, place) WHERE NOT deleted;

-- The versions of stock and price events, one count a product for all languages.
CREATE TABLE hub.product_version (
    id      text   PRIMARY KEY,
    version bigint NOT NULL
);
