-- What must never be lost. Amounts in minor units, times in ms since 1970 (UTC).

CREATE TABLE customer (
    id        TEXT PRIMARY KEY,
    name      TEXT NOT NULL,
    language  TEXT NOT NULL,
    email     TEXT,
    phone     TEXT,
    post_code TEXT,
    pin_hash  TEXT,                    -- argon2 PHC string
    points    INTEGER                  -- NULL: no loyalty card
) WITHOUT ROWID;

CREATE TABLE orders (
    id           TEXT    PRIMARY KEY,  -- UUID made by the client; the idempotency key
    number       TEXT    NOT NULL UNIQUE,
    customer     TEXT,
    language     TEXT    NOT NULL,
    state        TEXT    NOT NULL,
    fulfilment   TEXT    NOT NULL,
    currency     TEXT    NOT NULL,
    discount     INTEGER NOT NULL DEFAULT 0 CHECK (discount >= 0),
    delivery_fee INTEGER NOT NULL CHECK (delivery_fee >= 0),
    payment      TEXT    NOT NULL,
    method       TEXT,
    created_at   INTEGER NOT NULL,
    promised     TEXT,
    carrier      TEXT,
    tracking     TEXT
) WITHOUT ROWID;
CREATE INDEX orders_customer ON orders (customer, created_at);

CREATE TABLE order_line (
    order_id     TEXT    NOT NULL REFERENCES orders (id),
    position     INTEGER NOT NULL,
    product      TEXT    NOT NULL,
    title        TEXT    NOT NULL,
    quantity     INTEGER NOT NULL CHECK (quantity > 0),
    options      TEXT    NOT NULL,     -- JSON list
    unit_price   INTEGER NOT NULL,
    tax_rate_bp  INTEGER NOT NULL,
    held_for_age INTEGER NOT NULL,
    PRIMARY KEY (order_id, position)
) WITHOUT ROWID;

CREATE TABLE order_event (
    key      INTEGER PRIMARY KEY,
    order_id TEXT    NOT NULL REFERENCES orders (id),
    at       INTEGER NOT NULL,
    state    TEXT    NOT NULL,
    note     TEXT
);
CREATE INDEX order_event_order ON order_event (order_id, key);
CREATE TRIGGER order_event_is_never_changed BEFORE UPDATE ON order_event
    BEGIN SELECT RAISE (ABORT, 'events of an order are append-only'); END;
CREATE TRIGGER order_event_is_never_deleted BEFORE DELETE ON order_event
    BEGIN SELECT RAISE (ABORT, 'events of an order are append-only'); END;

-- What the shop's backend is to be told, in order. Sent by `sync`.
CREATE TABLE outbox (
    sequence   INTEGER PRIMARY KEY AUTOINCREMENT,
    kind       TEXT    NOT NULL,       -- order, cancel, return, ticket
    subject    TEXT    NOT NULL,       -- order id or reference
    body       TEXT    NOT NULL,       -- JSON
    created_at INTEGER NOT NULL,
    sent_at    INTEGER
);
CREATE INDEX outbox_unsent ON outbox (sequence) WHERE sent_at IS NULL;

-- Stock that is spoken for. `held` counts until it expires; `sold` counts until a newer
-- catalog brings the shop's own figure.
CREATE TABLE reservation (
    order_id   TEXT    NOT NULL,
    product    TEXT    NOT NULL,
    quantity   INTEGER NOT NULL CHECK (quantity > 0),
    state      TEXT    NOT NULL CHECK (state IN ('held', 'sold')),
    at         INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (order_id, product)
) WITHOUT ROWID;
CREATE INDEX reservation_product ON reservation (product);

-- Wrong second facts. Scope is `terminal` or `order NUMBER`.
CREATE TABLE wrong_try (
    scope        TEXT PRIMARY KEY,
    tries        INTEGER NOT NULL,
    last_at      INTEGER NOT NULL,
    locked_until INTEGER
) WITHOUT ROWID;

CREATE TABLE return_request (
    reference    TEXT PRIMARY KEY,
    order_id     TEXT    NOT NULL REFERENCES orders (id),
    items        TEXT    NOT NULL,     -- JSON list of titles; empty: all
    reason       TEXT,
    exchange_for TEXT,
    created_at   INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE ticket (
    reference  TEXT PRIMARY KEY,
    kind       TEXT    NOT NULL,
    story      TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;
