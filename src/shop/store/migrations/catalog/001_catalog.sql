-- The catalog: what is sold. Rebuilt beside the live file by an import and swapped in.

-- Single facts about this file: `built_at` (ms since 1970), `currency`, `tax_rate_bp`.
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- Files of the shop folder, as they were: shop.toml, faq.toml.
CREATE TABLE document (
    name TEXT PRIMARY KEY,
    text TEXT NOT NULL
) WITHOUT ROWID;

-- Facts that hold in every language. Amounts in minor units, times in ms since 1970 (UTC).
CREATE TABLE product (
    key             INTEGER PRIMARY KEY,
    id              TEXT    NOT NULL UNIQUE,
    gtin            TEXT,                -- as written
    gtin14          TEXT,                -- with leading zeros
    brand           TEXT,
    item_group_id   TEXT,
    currency        TEXT    NOT NULL,
    price           INTEGER NOT NULL CHECK (price > 0),
    sale_price      INTEGER CHECK (sale_price > 0),
    sale_from       INTEGER,
    sale_until      INTEGER,
    unit_numerator   INTEGER,          -- unit price = price * numerator / denominator
    unit_denominator INTEGER CHECK (unit_denominator > 0),
    unit_label      TEXT,
    tax_rate_bp     INTEGER NOT NULL,
    stock           INTEGER CHECK (stock >= 0),
    available       INTEGER NOT NULL,
    min_age         INTEGER,
    warranty_months INTEGER,
    link            TEXT,
    stars           REAL,
    reviews         INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX product_gtin ON product (gtin14) WHERE gtin14 IS NOT NULL;
CREATE INDEX product_group ON product (item_group_id) WHERE item_group_id IS NOT NULL;

-- Texts in one language. The `*_words` columns hold folded words for ranking.
CREATE TABLE product_text (
    key             INTEGER PRIMARY KEY,
    product         INTEGER NOT NULL REFERENCES product (key),
    language        TEXT    NOT NULL,
    feed_line       INTEGER NOT NULL,  -- where it stands in its feed
    title           TEXT    NOT NULL,
    description     TEXT    NOT NULL,
    category        TEXT    NOT NULL,  -- JSON list
    color           TEXT,
    size            TEXT,
    material        TEXT,
    options         TEXT    NOT NULL,  -- JSON list
    allergens       TEXT    NOT NULL,  -- JSON
    ingredients     TEXT,
    location        TEXT,
    details         TEXT    NOT NULL,  -- JSON list of pairs
    synonyms        TEXT    NOT NULL,  -- JSON list
    title_words     TEXT    NOT NULL,
    synonym_words   TEXT    NOT NULL,  -- one phrase a line
    attribute_words TEXT    NOT NULL,
    body_words      TEXT    NOT NULL,
    UNIQUE (product, language)
);

-- Values to filter by: kind is color, size, brand, material or category.
CREATE TABLE facet (
    kind  TEXT    NOT NULL,
    value TEXT    NOT NULL,
    text  INTEGER NOT NULL REFERENCES product_text (key),
    PRIMARY KEY (kind, value, text)
) WITHOUT ROWID;
CREATE INDEX facet_text ON facet (text);

CREATE TABLE review (
    key      INTEGER PRIMARY KEY,
    product  TEXT    NOT NULL,
    language TEXT    NOT NULL,
    stars    INTEGER NOT NULL CHECK (stars BETWEEN 1 AND 5),
    text     TEXT    NOT NULL,
    day      TEXT    NOT NULL
);
CREATE INDEX review_product ON review (product, language);

-- Full text, one index a language, so that a word's rarity is that of its language.
CREATE VIRTUAL TABLE words_en USING fts5 (
    title, synonyms, attributes, body,
    content = '', tokenize = 'unicode61 remove_diacritics 2', prefix = '3');
CREATE VIRTUAL TABLE words_fr USING fts5 (
    title, synonyms, attributes, body,
    content = '', tokenize = 'unicode61 remove_diacritics 2', prefix = '3');
CREATE VIRTUAL TABLE vocabulary_en USING fts5vocab ('words_en', 'row');
CREATE VIRTUAL TABLE vocabulary_fr USING fts5vocab ('words_fr', 'row');

-- Names by any three letters in a row: for words that speech recognition mangled.
CREATE VIRTUAL TABLE trigrams_en USING fts5 (name, content = '', tokenize = 'trigram');
CREATE VIRTUAL TABLE trigrams_fr USING fts5 (name, content = '', tokenize = 'trigram');
