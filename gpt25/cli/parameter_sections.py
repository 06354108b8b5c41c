"""Parameters in sections: a heading with what their names share, and under it rows that fit 80 columns."""

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

_BLOCK = re.compile(r"(?P<before>.*\.)(?P<number>\d+)\.(?P<short>.*)")


def parameter_sections(tensors: Sequence[dict[str, Any]], *, every_block: bool) -> list[list[list[dict[str, Any]]]]:
    """Sort tensors into sections of rows; a row is one tensor, or the same tensor of all blocks that are alike.

    Blocks share a row where shape and dtype agree, unless `every_block` wants a section for each; rows share a section
    where blocks and dtype agree. Sections and rows are in the order of the first tensor.
    """
    rows: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for tensor in tensors:
        found = _BLOCK.fullmatch(tensor["name"])
        block = None if found is None else found["number"] if every_block else "any"
        name = found["short"] if found else tensor["name"]
        rows.setdefault((block, name, tuple(tensor["shape"]), tensor["dtype"]), []).append(tensor)
    sections: list[tuple[tuple[Any, ...], list[list[dict[str, Any]]]]] = []
    for row in rows.values():
        key = (tuple(block_numbers(row)), row[0]["dtype"])
        same = [section for of, section in sections if of == key and key[0]]
        if same:
            same[0].append(row)
        elif sections and sections[-1][0] == key:
            sections[-1][1].append(row)
        else:
            sections.append((key, [row]))
    return [section for _, section in sections]


def section_lines(section: list[list[dict[str, Any]]]) -> list[str]:
    """A section as text: its heading, a row each with both short names, shape and count, and the sum below."""
    cells = []
    for row in section:
        ours, part = _short(row[0]["name"]).rsplit(".", 1)
        theirs = _short(row[0]["hugging_face_name"]).rsplit(".", 1)[0]
        shape = row[0]["shape"]
        cells.append((ours, theirs, part, "×".join(map(str, shape)), f"{math.prod(shape):,}"))
    lines = [section_heading(section), *(_line(*row) for row in cells)]
    each, times = sum(math.prod(row[0]["shape"]) for row in section), len(section[0])
    if block_numbers(section[0]):
        lines.append(_line("one block" if times > 1 else "the block", "", "", "", f"{each:,}"))
    if times > 1:
        lines.append(_line(f"×{times}", "", "", "", f"{times * each:,}"))
    return lines


def section_heading(section: list[list[dict[str, Any]]]) -> str:
    """What the names of a section share: "transformer.hidden.{0…11} ×12  =  transformer.h.{0…11}  (float32)"."""
    first, numbers = section[0][0], block_numbers(section[0])
    if not numbers:
        return f"transformer  ({first['dtype']})"
    within = in_words(numbers) if len(numbers) == 1 else f"{{{in_words(numbers)}}}"
    times = f" ×{len(numbers)}" if len(numbers) > 1 else ""
    ours, theirs = (_BLOCK.sub(rf"\g<before>{within}", first[which]) for which in ("name", "hugging_face_name"))
    return f"{ours}{times}  =  {theirs}  ({first['dtype']})"


def statistics_lines(
    section: list[list[dict[str, Any]]], figures: Callable[[list[dict[str, Any]]], Sequence[str]]
) -> list[str]:
    """A section's heading and a row each: OpenAI's short name and the `figures` of the row."""
    rows = [statistics_line(_short(row[0]["hugging_face_name"]), figures(row)) for row in section]
    return [section_heading(section), *rows]


def statistics_line(name: str, figures: Sequence[str]) -> str:
    """One row of six figures, or its headings."""
    return f"  {name:<18}" + "".join(f"{figure:>10}" for figure in figures)


def block_numbers(row: list[dict[str, Any]]) -> list[int]:
    """The blocks whose tensors a row holds; none for a tensor outside the blocks."""
    return [int(found["number"]) for tensor in row if (found := _BLOCK.fullmatch(tensor["name"]))]


def in_words(numbers: list[int]) -> str:
    """in_words([0, 1, 2]) -> "0…2"; numbers with gaps are all written out."""
    if len(numbers) > 1 and numbers[-1] - numbers[0] == len(numbers) - 1:
        return f"{numbers[0]}…{numbers[-1]}"
    return ",".join(map(str, numbers))


def _short(name: str) -> str:
    found = _BLOCK.fullmatch(name)
    return found["short"] if found else name.removeprefix("transformer.")


def _line(ours: str, theirs: str, part: str, shape: str, count: str) -> str:
    # 2 + 34 + 12 + 6 + 11 + 15 = 80: gpt2-xl's 48 blocks have 1,475,251,200 parameters
    return f"  {ours:<34}{theirs:<12}{part:<6}{shape:>11}{count:>15}".rstrip()
