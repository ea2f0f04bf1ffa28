-- Eaten here or taken away, and when it is wanted ("HH:MM", or as said).
ALTER TABLE orders ADD COLUMN service TEXT;
ALTER TABLE orders ADD COLUMN wanted_at TEXT;
