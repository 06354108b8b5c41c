"""What stands at a path, what is written into rather than replaced, and what is said where the system refuses."""
