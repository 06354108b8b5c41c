"""From a MODEL word to weights that were checked: what loading with torch and without it have in common."""
