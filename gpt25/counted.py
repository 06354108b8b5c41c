"""A number with its noun."""


def counted(number: float, plural: str) -> str:
    """counted(1234, "hidden files") -> "1,234 hidden files"; counted(1, "hidden files") -> "1 hidden file"."""
    shown = f"{number:,}" if isinstance(number, int) else f"{number:,g}"
    return f"{shown} {singular(plural) if number == 1 else plural}"


def singular(plural: str) -> str:
    """The noun of one: singular("bytes") -> "byte"; for the regular plurals that our units have."""
    if plural.endswith("ies"):
        return f"{plural[:-3]}y"
    return plural.removesuffix("s")
