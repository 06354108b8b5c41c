"""Content becomes a typed record, or an error that names file, field, value and rule."""

import re
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from gpt25.errors import ConfigurationError, CorruptFileError
from gpt25.storage import record_from
from gpt25.storage.reading.field_types import Amount, Count, Fraction, PlainName, Sha256
from gpt25.storage.reading.record import value_from


@dataclass(frozen=True)
class Inner:
    file: PlainName
    sha256: Sha256 = "0" * 64


@dataclass(frozen=True)
class Outer:
    count: Count
    inner: tuple[Inner, ...] = ()
    by_name: dict[str, Inner] = field(default_factory=dict)
    figures: dict[str, float | None] = field(default_factory=dict)
    share: Fraction = 0.5
    seconds: Amount | None = None
    rule: Literal["one", "two"] = "one"
    done: bool = False


def made(content: Any, more_keys: Literal["refused", "ignored"] = "refused") -> Outer:
    return record_from(content, Outer, where="it", more_keys=more_keys, advice=" Do this.")


def test_fields_have_their_types_lists_become_tuples_and_whole_numbers_numbers() -> None:
    content = {"count": 3, "inner": [{"file": "a.bin"}], "by_name": {"x": {"file": "b"}}, "share": 1, "seconds": 2}
    assert made(content) == Outer(3, (Inner("a.bin"),), {"x": Inner("b")}, share=1.0, seconds=2.0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "it holds a list; it must be an object."),
        (None, "it holds null; it must be an object."),
        ({}, "it has no count."),
        ({"count": True}, "it: count is True; it must be a whole number."),
        ({"count": 1.0}, "it: count is 1.0; it must be a whole number."),
        ({"count": "3"}, "it: count is '3'; it must be a whole number."),
        ({"count": -1}, "it: count is -1; it must be a whole number of at least 0."),
        ({"count": 2**63}, f"it: count is {2**63}; it must be a whole number of at most {2**63 - 1}."),
        ({"count": 1, "share": 1.5}, "it: share is 1.5; it must be a number of at most 1.0."),
        ({"count": 1, "seconds": "x" * 200}, f"it: seconds is '{'x' * 79}…; it must be a number or null."),
        ({"count": 1, "rule": "three"}, "it: rule is 'three'; it must be one of the known words."),
        ({"count": 1, "done": 1}, "it: done is 1; it must be true or false."),
        ({"count": 1, "inner": {}}, "it: inner is {}; it must be a list."),
        ({"count": 1, "inner": [{}]}, "it has no inner[0].file."),
        ({"count": 1, "figures": {"a.b": 1, "c": "x"}}, "it: figures.c is 'x'; it must be a number or null."),
        ({"count": 1, "by_name": {"a": {"file": 3}}}, "it: by_name.a.file is 3; it must be a text in quotes."),
        ({"count": 1, "cuont": 1}, "it: there is no field 'cuont'; did you mean 'count'?"),
        ({"count": 1, "inner": [{"file": "a", "fiel": 1}]}, "it: there is no field 'inner[0].fiel'; did you mean"),
        ({"count": 1, "\ud800": 1}, "it: '\\ud800' is no name: it holds half a character."),
    ],
)
def test_what_cannot_be_is_named_with_field_value_and_rule(content: Any, message: str) -> None:
    with pytest.raises(CorruptFileError, match=rf"^{re.escape(message)}.* Do this\.$"):
        made(content)


@pytest.mark.parametrize("name", ["/etc/hostname", "../x", "a/b", "a\\b", "..", ".", "", "a\0", "a\n", "x" * 256])
def test_only_plain_names_are_names_of_files(name: str) -> None:
    with pytest.raises(
        CorruptFileError, match=r"inner\[0\]\.file is .*; it must be the plain name of a file beside it"
    ):
        made({"count": 1, "inner": [{"file": name}]})


def test_keys_of_later_releases_are_passed_over_where_a_file_may_grow() -> None:
    assert made({"count": 1, "later": [1]}, more_keys="ignored") == Outer(1)


def test_a_single_value_is_held_to_its_fields_type() -> None:
    assert value_from(3, float, where="x") == 3.0
    with pytest.raises(ConfigurationError, match=r"^x is 'c'; it must be true or false or 'a' or 'b'\.$"):
        value_from("c", bool | Literal["a", "b"], where="x")
