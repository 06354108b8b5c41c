"""Complaints about a value by the name of its flag, where the code that found it knows only the field's."""

import re

_FIELD = re.compile(r"(?:(?P<of>[a-z][\w-]*): (?=(?P=of)\.))?(?P<field>[a-z][a-z0-9_.]*)(?= (?:is|must) )")
_SECTION = re.compile(r"(?P<section>[a-z][\w-]*): (?P<field>[a-z][a-z0-9_]*)\b")


def with_flag_names(message: str, flags: set[str]) -> str:
    """The message with the flag instead of the field that it begins with, if there is such a flag.

    with_flag_names("top_p is 3.0; it must …", {"--top-p"}) -> "--top-p is 3.0; it must …". What is off is called none,
    as in flags.
    """
    for pattern in (_FIELD, _SECTION):
        found = pattern.match(message)
        if found is None:
            continue
        field = found["field"] if pattern is _FIELD else f"{found['section']}.{found['field']}"
        flag = "--" + field.replace("_", "-")
        if flag in flags:
            return flag + with_none_as_typed(message[found.end() :])
    return message


def with_none_as_typed(message: str) -> str:
    """with_none_as_typed("it must be 1 to 5, None for all") -> "it must be 1 to 5, none for all"."""
    return re.sub(r"\bNone\b", "none", message)
