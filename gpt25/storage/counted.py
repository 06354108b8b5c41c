"""A number with its noun."""


def counted(number: int, plural: str) -> str:
    """counted(1234, "hidden files") -> "1,234 hidden files"; counted(1, "hidden files") -> "1 hidden file"."""
    return f"{number:,} {singular(plural) if number == 1 else plural}"


def singular(plural: str) -> str:
    """The noun of one: singular("bytes") -> "byte"; for the regular plurals that our units have."""
    if plural.endswith("ies"):
        return f"{plural[:-3]}y"
    return plural.removesuffix("s")
