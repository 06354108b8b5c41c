"""Reading evaluation sets: files, the Hub, rows into items, de-tokenisers."""
