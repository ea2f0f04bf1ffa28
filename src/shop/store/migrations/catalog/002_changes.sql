-- When a product's own figures are from (ms since 1970), where that is not `built_at`: its feed
-- was fetched earlier, or a change came in since.
ALTER TABLE product ADD COLUMN stock_at INTEGER;
ALTER TABLE product ADD COLUMN price_at INTEGER;
CREATE INDEX product_stock_at ON product (stock_at) WHERE stock_at IS NOT NULL;
CREATE INDEX product_price_at ON product (price_at) WHERE price_at IS NOT NULL;
