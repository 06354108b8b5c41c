"""The "@" in a MODEL word: what it names, and which one of it."""

from pathlib import Path


def split_model_word(word: str) -> tuple[str, str | None]:
    """Split at the last "@": "runs/first@best" -> ("runs/first", "best"), "gpt2" -> ("gpt2", None).

    A path that is there is a name as it stands, whatever its own "@". Either half may be empty where the word is wrong.
    """
    name, at, which = word.rpartition("@")
    return (name, which) if at and not Path(word).exists() else (word, None)
