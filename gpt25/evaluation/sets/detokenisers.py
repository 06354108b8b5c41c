"""Benchmark texts as people write them, so that nothing of the original is lost.

The benchmarks' texts were cut into words for other models: `the dog 's tail , he said .` GPT-2 never read such text,
and a model is measured fairly on `the dog's tail, he said.`; the loss stays one of the original as long as that can be
recovered (Radford et al. 2019, section 3.1: invertible de-tokenizers). Every line is changed only if cutting the
result again gives exactly the line; a line for which that fails stays as it was.
"""

import re
from collections.abc import Callable, Sequence
from typing import Literal

DetokeniserName = Literal["wikitext", "ptb", "newswire", "stories"]

_Rule = tuple[str, str]
_CLITICS = "'s|'re|'ve|'ll|'m|'d|'S|'RE|'VE|'LL|'M|'D"
_LETTER = r"[^\W\d_]"


def _substitute(rules: Sequence[_Rule], text: str) -> str:
    for pattern, replacement in rules:
        text = re.sub(pattern, replacement, text)
    return text


def _join_pairs(text: str, quote: str) -> str:
    """Take away the spaces inside every pair of quotes: `he said " yes " twice` -> `he said "yes" twice`."""
    parts = re.split(rf"(?<!\S){re.escape(quote)}(?!\S)", text)
    joined = parts[0]
    for number, part in enumerate(parts[1:], start=1):
        opens = number % 2 == 1
        joined = joined + quote + part.removeprefix(" ") if opens else joined.removesuffix(" ") + quote + part
    return joined


def _part_pairs(text: str, quote: str) -> str:
    """Put them back: `he said "yes" twice` -> `he said " yes " twice`."""
    parts = text.split(quote)
    parted = parts[0]
    for number, part in enumerate(parts[1:], start=1):
        opens = number % 2 == 1
        parted = f"{parted}{quote} {part}" if opens else f"{parted} {quote}{part}"
    return parted


# Words that end in a period of their own, so that no period behind them ends a sentence: initials, U.S., Dr.
_ABBREVIATION = (
    rf"(?<![^ (\[\"])(?:{_LETTER}|{_LETTER}+(?:\.{_LETTER}+)+|Mr|Mrs|Ms|Dr|St|Jr|Sr|No|Co|Inc|Ltd|Corp|Lt|Col|Gen|Capt|"
    r"Sgt|Maj|Rev|Prof|Gov|Sen|Rep|vs|etc|al|Vol|vol|Mt|Ft|Bros|Jan|Feb|Aug|Sept|Oct|Nov|Dec|p|pp)"
)
_ENDS_IN_ABBREVIATION = re.compile(f"{_ABBREVIATION}$")


def _join_periods(text: str) -> str:
    """`He sat .` -> `He sat.`, where cutting it again would know that the period was not the word's own."""
    parts = re.split(r"(?<=[^ .]) \.(?= |$|\"|\))", text)
    joined = parts[0]
    for part in parts[1:]:
        joined += (" ." if _ENDS_IN_ABBREVIATION.search(joined) else ".") + part
    return joined


def _part_periods(text: str) -> str:
    """Put the space back: `He sat.` -> `He sat .`"""
    parts = re.split(r"(?<=[^ .])\.(?= |$|\"|\))", text)
    parted = parts[0]
    for part in parts[1:]:
        parted += ("." if _ENDS_IN_ABBREVIATION.search(parted) else " .") + part
    return parted


# WikiText, cut by Moses: numbers and compounds carry @ signs, every line begins and ends with a space.
_WIKITEXT_JOIN: Sequence[_Rule] = (
    (r" @-@ ", "-"),
    (r"(?<=\d) @([,.])@ (?=\d)", r"\1"),
    (r" ([,;:!?%])(?= |$|\")", r"\1"),
    (r"(?<![^ ])([(\[]) ", r"\1"),
    (r" ([)\]])(?= |$|[,.;:!?])", r"\1"),
    (rf" ({_CLITICS})(?= |$|[,.;:!?)\]])", r"\1"),
    (r" (n't)(?= |$|[,.;:!?)\]])", r"\1"),
    (r"(?<![^ ])([$£€#]) (?=\d)", r"\1"),
)
_WIKITEXT_PART: Sequence[_Rule] = (
    (r"(?<![^ (\[\"])([$£€#])(?=\d)", r"\1 "),
    (r"(?<=[^ ])(n't)(?= |$|[,.;:!?)\]\"])", r" \1"),
    (rf"(?<=[^ ])({_CLITICS})(?= |$|[,.;:!?)\]\"])", r" \1"),
    (r"(?<=[^ ])-(?=[^ ])", " @-@ "),
    (r"(?<=\d)([,.])(?=\d)", r" @\1@ "),
    (r"(?<=[^ ])([)\]])(?=[ ,.;:!?\"%]|$)", r" \1"),
    (r"(?<![^ \"])([(\[])(?=[^ ])", r"\1 "),
    (r"(?<=[^ ])([,;:!?%])(?=[ \")]|$)", r" \1"),
)


def _wikitext(line: str) -> str:
    text = _join_pairs(line.removeprefix(" ").removesuffix(" "), '"')
    return _substitute(_WIKITEXT_JOIN, _join_periods(text))


def _wikitext_back(line: str) -> str:
    if not line:
        return " "
    return f" {_part_pairs(_part_periods(_substitute(_WIKITEXT_PART, line)), chr(34))} "


# PTB as language models get it: lower case, no punctuation, N for numbers, <unk> for rare words.
_PTB_JOIN: Sequence[_Rule] = (
    (rf" ({_CLITICS}|n't)(?= |$)", r"\1"),
    (r"(?<![^ ])([$#]) (?=N\b)", r"\1"),
    (r"(?<=\bN) (%)(?= |$)", r"\1"),
)
_PTB_PART: Sequence[_Rule] = (
    (r"(?<=\bN)(%)(?= |$)", r" \1"),
    (r"(?<![^ ])([$#])(?=N\b)", r"\1 "),
    (rf"(?<=[^ ])(n't|{_CLITICS})(?= |$)", r" \1"),
)


def _ptb(line: str) -> str:
    return _substitute(_PTB_JOIN, line.removeprefix(" ").removesuffix(" "))


def _ptb_back(line: str) -> str:
    return f" {_substitute(_PTB_PART, line)} "


# Newswire cut the PTB way, with its punctuation: 1BW.
_NEWSWIRE_JOIN: Sequence[_Rule] = (
    (r" ([,;:!?%])(?= |$|\"|\))", r"\1"),
    (r"(?<![^ ])([(\[]) ", r"\1"),
    (r" ([)\]])(?= |$|[,.;:!?])", r"\1"),
    (rf" ({_CLITICS}|n't|N'T)(?= |$|[,.;:!?)\"])", r"\1"),
    (r"(?<![^ ])([$£#]) (?=\d)", r"\1"),
)


def _newswire(line: str) -> str:
    text = _substitute(_NEWSWIRE_JOIN, _join_pairs(line, '"'))
    return _join_periods(text)


_NEWSWIRE_PART: Sequence[_Rule] = (
    (r"(?<![^ (\[\"])([$£#])(?=\d)", r"\1 "),
    (rf"(?<=[^ ])({_CLITICS}|n't|N'T)(?= |$|[,.;:!?)\"])", r" \1"),
    (r"(?<=[^ ])([)\]])(?=[ ,.;:!?\"]|$)", r" \1"),
    (r"(?<![^ \"])([(\[])(?=[^ ])", r"\1 "),
    (r"(?<=[^ ])([,;:!?%])(?=[ \")]|$)", r" \1"),
)


def _newswire_back(line: str) -> str:
    return _part_pairs(_substitute(_NEWSWIRE_PART, _part_periods(line)), '"')


# Stories cut the PTB way with its spelling of quotes and brackets too: CBT.
def _stories(line: str) -> str:
    for spelled, mark in (("``", '"'), ("''", '"'), ("-LRB-", "("), ("-RRB-", ")")):
        line = line.replace(spelled, mark)
    return _newswire(line)


def _stories_back(line: str) -> str:
    parts = _newswire_back(line).replace("(", "-LRB-").replace(")", "-RRB-").split('"')
    return "".join(part + ("``", "''")[number % 2] for number, part in enumerate(parts[:-1])) + parts[-1]


_DETOKENISERS: dict[DetokeniserName, tuple[Callable[[str], str], Callable[[str], str]]] = {
    "wikitext": (_wikitext, _wikitext_back),
    "ptb": (_ptb, _ptb_back),
    "newswire": (_newswire, _newswire_back),
    "stories": (_stories, _stories_back),
}


def detokenise(name: DetokeniserName, text: str, *, lossy: bool = False) -> str:
    """The text as people write it, line by line: detokenise("ptb", " he did n't ") -> "he didn't".

    lossy: change also the lines that could not be changed back, which is fair where only choices are compared.
    """
    return "\n".join(_line(name, line, lossy) for line in text.split("\n"))


def retokenise(name: DetokeniserName, text: str) -> str:
    """What `detokenise` came from, for a text all of whose lines it could change without loss."""
    return "\n".join(_DETOKENISERS[name][1](line) for line in text.split("\n"))


def _line(name: DetokeniserName, line: str, lossy: bool) -> str:
    forward, backward = _DETOKENISERS[name]
    joined = forward(line)
    return joined if lossy or backward(joined) == line else line


def invertible_fraction(name: DetokeniserName, text: str) -> float:
    """The fraction of lines, blank ones aside, whose de-tokenised form gives the original again."""
    forward, backward = _DETOKENISERS[name]
    lines = [line for line in text.split("\n") if line.strip()]
    return sum(backward(forward(line)) == line for line in lines) / max(len(lines), 1)
