-- What goes to the shop's backend, and what comes back from it.

-- When the backend said that it has the order; NULL until then. Orders that came with the
-- shop's own data were never sent from here.
ALTER TABLE orders ADD COLUMN acknowledged_at INTEGER;
UPDATE orders SET acknowledged_at = created_at
 WHERE id NOT IN (SELECT subject FROM outbox WHERE kind = 'order' AND sent_at IS NULL);
-- Where it can be paid, and until when.
ALTER TABLE orders ADD COLUMN payment_link TEXT;
ALTER TABLE orders ADD COLUMN payment_link_until INTEGER;

-- asked (saved here), sent (the backend has it), refused, done.
ALTER TABLE return_request ADD COLUMN state TEXT NOT NULL DEFAULT 'asked';

-- Payments and refunds, as the backend told them. Append-only, like order_event.
CREATE TABLE payment_event (
    key      INTEGER PRIMARY KEY,
    order_id TEXT    NOT NULL REFERENCES orders (id),
    at       INTEGER NOT NULL,
    payment  TEXT    NOT NULL
);
CREATE INDEX payment_event_order ON payment_event (order_id, key);
CREATE TRIGGER payment_event_is_never_changed BEFORE UPDATE ON payment_event
    BEGIN SELECT RAISE (ABORT, 'payments of an order are append-only'); END;
CREATE TRIGGER payment_event_is_never_deleted BEFORE DELETE ON payment_event
    BEGIN SELECT RAISE (ABORT, 'payments of an order are append-only'); END;

-- The outbox, made anew: what waits gets a key, a place among its subject's messages, and its
-- tries. `sequence` was the place among all.
ALTER TABLE outbox RENAME TO outbox_before;
DROP INDEX outbox_unsent;
CREATE TABLE outbox (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    key        TEXT    NOT NULL UNIQUE,  -- UUID: the same message again has the same
    kind       TEXT    NOT NULL,         -- order, cancel, return, payment_link, ticket, feedback
    subject    TEXT    NOT NULL,         -- an order's id, or a return's or ticket's reference
    sequence   INTEGER NOT NULL,         -- its place among the subject's messages, from 1
    body       TEXT    NOT NULL,         -- JSON; emptied once it was sent
    state      TEXT    NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sent', 'dead')),
    attempts   INTEGER NOT NULL DEFAULT 0,
    next_at    INTEGER NOT NULL DEFAULT 0, -- not before; 0 is at once
    error      TEXT,                     -- what the last try came to
    created_at INTEGER NOT NULL,
    sent_at    INTEGER,
    UNIQUE (subject, sequence)
);
CREATE INDEX outbox_state ON outbox (state, id);
INSERT INTO outbox (key, kind, subject, sequence, body, state, created_at, sent_at)
SELECT CASE WHEN kind = 'order' THEN subject
            ELSE lower (hex (randomblob (4)) || '-' || hex (randomblob (2)) || '-4'
                     || substr (hex (randomblob (2)), 2) || '-8'
                     || substr (hex (randomblob (2)), 2) || '-' || hex (randomblob (6))) END,
       kind, subject, row_number () OVER (PARTITION BY subject ORDER BY sequence),
       CASE kind
         WHEN 'order' THEN json_set (body, '$.total', json_object (
             'minor', (SELECT sum (unit_price * quantity) FROM order_line WHERE order_id = subject)
                    + (SELECT delivery_fee - discount FROM orders WHERE id = subject),
             'currency', (SELECT currency FROM orders WHERE id = subject)))
         WHEN 'cancel' THEN json_object ('at', json_extract (body, '$.at'))
         WHEN 'return' THEN json_object (
             'reference', json_extract (body, '$.reference'),
             'order', json_extract (body, '$.order'),
             'items', json_extract (body, '$.wish.items'),
             'reason', json_extract (body, '$.wish.reason'),
             'exchange_for', json_extract (body, '$.wish.exchange_for'),
             'at', strftime ('%Y-%m-%dT%H:%M:%SZ', created_at / 1000, 'unixepoch'))
         ELSE json_set (body, '$.at',
             strftime ('%Y-%m-%dT%H:%M:%SZ', created_at / 1000, 'unixepoch')) END,
       CASE WHEN sent_at IS NULL THEN 'waiting' ELSE 'sent' END, created_at, sent_at
  FROM outbox_before ORDER BY sequence;
DROP TABLE outbox_before;

-- What the backend told, by its event's id: the same twice is one. Old ones go.
CREATE TABLE inbound_event (
    id          TEXT    PRIMARY KEY,
    received_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX inbound_event_received ON inbound_event (received_at);

-- The newest that is known of an order or a product, by what it is about (state, payment,
-- stock, price): what is older does not undo it.
CREATE TABLE inbound_version (
    subject TEXT    NOT NULL,
    about   TEXT    NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (subject, about)
) WITHOUT ROWID;

-- How far the events of a backend were read.
CREATE TABLE inbound_cursor (
    backend TEXT    PRIMARY KEY,
    number  INTEGER NOT NULL
) WITHOUT ROWID;
