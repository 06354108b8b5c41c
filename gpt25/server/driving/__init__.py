"""Between threads: the one that lets the engines step, and the event loop that waits for what they write."""
