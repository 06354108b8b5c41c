"""Values in messages."""


def short_repr(value: object) -> str:
    """The value as a message shows it, however long or deep it is: short_repr("x" * 100) ends in three dots."""
    try:
        text = repr(value)
    except (RecursionError, ValueError):  # nested without end, or an int of more digits than Python writes out
        return f"<{type(value).__name__} too large to show>"
    return text if len(text) <= 80 else f"{text[:77]}..."
