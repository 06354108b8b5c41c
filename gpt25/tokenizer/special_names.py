"""What is said where text holds the names of special tokens that nobody asked to parse."""


def special_names_notice(count: int, *, what: str) -> str:
    """special_names_notice(2, what="the prompt") -> two lines that name the count and the option."""
    names = "the name of a special token" if count == 1 else f"names of special tokens {count:,} times"
    return f"{what} holds {names}, read as text like any other;\n--special-tokens parse makes tokens of them."
