"""A model as others get it: its files, a card that says what is known of it, and the picture of its losses."""
