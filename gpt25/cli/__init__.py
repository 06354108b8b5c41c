"""The roof: turns words into calls. Importing it imports none of the commands."""
