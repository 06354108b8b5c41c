"""Lines as characters: where dots and letters lie, and that nothing is wider than asked for."""

import pytest

from gpt25.plots.report.lines_chart import Line
from gpt25.plots.terminal.character_chart import character_chart

FALLING = Line("falling", [(float(x), 5.0 - 0.4 * x) for x in range(11)], True)
FLAT = Line("flat", [(0.0, 3.0), (10.0, 3.0)], True)


def drawn(*lines: Line, braille: bool = True, **options: object) -> list[str]:
    return character_chart(
        lines,
        across_title="millions of tokens",
        columns=60,
        rows=14,
        braille=braille,
        **options,  # type: ignore[arg-type]
    )


def test_a_falling_line_goes_from_the_upper_left_to_the_lower_right() -> None:
    rows = drawn(FALLING)
    assert len(rows) == 14
    assert max(map(len, rows)) <= 60
    places = [(number, row.index("a")) for number, row in enumerate(rows) if "a" in row and number < 12]
    assert len(places) == 11  # a letter at every measurement, each lower and further right than the one before
    assert places == sorted(places)
    assert [column for _, column in places] == sorted(column for _, column in places)
    assert any("⠀" < character <= "⣿" for row in rows for character in row)
    assert rows[-1].strip().startswith("0 ")
    assert rows[-1].endswith("10")
    assert "millions of tokens" in rows[-1]


def test_every_line_has_its_letter_and_reference_lines_their_names() -> None:
    rows = drawn(FALLING, FLAT, reference_lines=[("GPT-2 124M", 2.0), ("far away", 90.0)])
    assert {"a", "b"} <= set("".join(rows[:12]))
    (line,) = (row for row in rows if "GPT-2 124M 2" in row)
    assert line.count("-") > 10
    assert not any("far away" in row for row in rows)


def test_without_braille_there_are_letters_only() -> None:
    rows = drawn(FALLING, FLAT, braille=False)
    assert {"a", "b"} <= set("".join(rows))
    assert not any("⠀" <= character <= "⣿" for row in rows for character in row)


@pytest.mark.parametrize("line", [Line("none", []), Line("one", [(3.0, 2.0)])])
def test_few_points_are_no_fault(line: Line) -> None:
    assert len(drawn(line)) == (14 if line.points else 0)
