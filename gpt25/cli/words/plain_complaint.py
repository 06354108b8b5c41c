"""What tyro says of words that it refused, without its box and without Python's terms."""

import difflib
import re

_CHOICE = re.compile(r"invalid choice '(.*)' for argument '(.*)'\. Expected one of \((.*)\)\.")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def plain_complaint(text: str, name: str) -> list[str]:
    """The sentences in a box that tyro drew, the first one in plain words; `name` is the command's.

    plain_complaint("│ Missing from gpt25 show: │", "show") -> ["missing:"]
    """
    first, *others = _without_box(text) or ["these words cannot be understood"]
    return [_in_plain_words(first, name), *others]


def _without_box(text: str) -> list[str]:
    """The sentences inside a box that tyro drew, indented details joined to the line that they belong to."""
    lines: list[str] = []
    for line in _COLOUR.sub("", text).splitlines():
        content = re.sub(r"^[│|]\s?|\s*[│|]$", "", line).rstrip()
        if re.match(r"^[╭╰+]", line) or re.match(r"^[─-]*$", content):
            continue
        if content.startswith(("For full helptext", "Argument helptext")):
            break
        indentation = len(content) - len(content.lstrip())
        if indentation >= 8 and lines:
            lines[-1] += "  " + content.strip().removesuffix("(required)").rstrip()
        else:
            lines.append(content)
    return lines


def _in_plain_words(sentence: str, name: str) -> str:
    """_in_plain_words("Missing from gpt25 show:", "show") -> "missing:"; Python's own terms go as well."""
    for pattern, replacement in (
        (rf"^Missing from gpt25 {name}.*:$", "missing:"),
        (r"^Unrecognized options: ", "no place for "),
        (r"^Error parsing ", ""),
        (r"^__tyro-dummy-inner__\.\w+: ", ""),
        (r"invalid literal for int\(\) with base 10: (.*)", r"\1 is not a whole number"),
        (r"could not convert string to float: (.*)", r"\1 is not a number"),
        (r" Expected 1 values\.$", " A value that begins with - is written --flag=-value."),
    ):
        sentence = re.sub(pattern, replacement, sentence)
    return _with_nearest_choice(sentence[:1].lower() + sentence[1:])


def _with_nearest_choice(sentence: str) -> str:
    """_with_nearest_choice("invalid choice 'tokn' for argument '--x'. Expected one of ('tokens', 'updates').")."""
    found = _CHOICE.fullmatch(sentence)
    if found is None:
        return sentence
    word, flag, choices = found[1], found[2], re.findall(r"'([^']*)'", found[3])
    near = difflib.get_close_matches(word.lower().replace("_", "-"), choices, n=1, cutoff=0.6)
    meant = f"did you mean {near[0]}? It is " if near else "it is "
    return f"{word!r} is no choice of {flag}; {meant}one of {', '.join(choices)}."
