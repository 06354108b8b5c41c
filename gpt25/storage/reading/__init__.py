"""Content of files within bounds: bytes, JSON, TOML, and records with typed fields."""
