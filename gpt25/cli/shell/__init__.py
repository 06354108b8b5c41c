"""What gpt25 is to a shell: completion of its words, and what to type instead of a word that it does not know."""
