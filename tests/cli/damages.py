"""What can happen to a file, as Hypothesis strategies: bytes lost, flipped and put in, values other than ours."""

import copy
import json
from typing import Any

import tomli_w
from hypothesis import strategies as st

_RAW = {
    "@deep list@": "[" * 5000 + "]" * 5000,
    "@deep object@": '{"a":' * 100 + "1" + "}" * 100,
    "@digits@": "9" * 5000,
    "@large@": "9" * 400,
    "@nan@": "NaN",
    "@infinity@": "-Infinity",
    "@too much@": "1e999",
    "@surrogate@": '"\\ud800"',
}
"""What neither writer would write, by what stands for it meanwhile."""
_RAW_TOML = {"@deep list@": "[" * 500 + "]" * 500, "@nan@": "nan", "@infinity@": "-inf", "@deep object@": "2020-13-01"}
_HOSTILE = [
    None, True, False, 0, -1, 1, 1.5, -0.0, 10**9, 2**31, 2**63 - 1, 2**63, 10**300, 1e308, 5e-324, "", "0", "none",
    " ", "x" * 300, "x" * 5000, "../../etc/hostname", "/etc/hostname", "..", ".", "a/b", "a\0b", "\x1b[31m", "é" * 200,
    [], {}, [[]], [0], [1, "a"], ["a", "b"], [None], {"a": 1}, {"": {}}, *_RAW,
]  # fmt: skip


@st.composite
def damaged_bytes(draw: st.DrawFn, content: bytes) -> bytes:
    """The content with bytes lost at its end, flipped, taken out, put in, or all others."""
    kind = draw(st.sampled_from(("cut", "flip", "flip", "take out", "put in", "double", "other")))
    if kind == "other":
        return draw(st.binary(max_size=64))
    place = draw(st.integers(0, max(len(content) - 1, 0)))
    if kind == "cut":
        return content[:place]
    if kind == "flip":
        damaged = bytearray(content)
        for position in {place, *draw(st.lists(st.integers(0, max(len(content) - 1, 0)), max_size=3))}:
            damaged[position] ^= draw(st.integers(1, 255))
        return bytes(damaged)
    length = draw(st.integers(1, 16))
    if kind == "take out":
        return content[:place] + content[place + length :]
    if kind == "double":
        return content[:place] + content[place : place + length] * 2 + content[place + length :]
    return content[:place] + draw(st.binary(min_size=1, max_size=8)) + content[place:]


@st.composite
def damaged_value(draw: st.DrawFn, value: Any) -> Any:
    """The value with one to three of its fields gone, renamed, added, or of another type or size."""
    value = json.loads(json.dumps(value))
    for _ in range(draw(st.integers(1, 3))):
        value = _damaged_once(draw, value)
    return value


def _damaged_once(draw: st.DrawFn, value: Any) -> Any:
    container, key = draw(st.sampled_from([(None, None), *_places(value)]))
    hostile = copy.deepcopy(draw(st.sampled_from(_HOSTILE)))
    if container is None:
        return hostile
    kind = draw(st.sampled_from(("replace", "replace", "replace", "drop", "add", "rename")))
    if kind == "drop":
        del container[key]
    elif kind == "replace":
        container[key] = hostile
    elif isinstance(container, list):
        container.insert(key, hostile)
    elif kind == "add":
        container[f"{key}_"] = hostile
    else:
        container[draw(st.sampled_from((f"{key}x", "", "../x", "/etc/x", "x" * 5000)))] = container.pop(key)
    return value


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every field of a value, at most a hundred: the object or list that it stands in, and its key."""
    found, pending = [], [value]
    while pending and len(found) < 100:
        container = pending.pop(0)
        keys: Any = container if isinstance(container, dict) else range(len(container)) if _is_list(container) else ()
        found += [(container, key) for key in keys]
        pending += [container[key] for key in keys]
    return found


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _with_raw(text: str, raw: dict[str, str]) -> str:
    for word, instead in raw.items():
        text = text.replace(json.dumps(word), instead)
    return text


def damaged_json(content: bytes) -> st.SearchStrategy[bytes]:
    """A JSON file with other values, or with other bytes."""
    values = damaged_value(json.loads(content)).map(lambda value: _with_raw(json.dumps(value), _RAW).encode())
    return st.one_of(values, values, damaged_bytes(content))


def damaged_json_lines(content: bytes) -> st.SearchStrategy[bytes]:
    """A file of JSON lines with other values, or with other bytes."""
    rows = [json.loads(line) for line in content.splitlines()]
    values = damaged_value(rows).map(
        lambda rows: (
            b"\n".join(
                _with_raw(json.dumps(row), _RAW).encode() for row in (rows if isinstance(rows, list) else [rows])
            )
            + b"\n"
        )
    )
    return st.one_of(values, values, damaged_bytes(content))


def damaged_toml(content: bytes, value: Any) -> st.SearchStrategy[bytes]:
    """A TOML file with other values, or with other bytes."""
    values = damaged_value(value).map(_toml)
    return st.one_of(values, values, damaged_bytes(content))


def _toml(value: Any) -> bytes:
    try:
        text = tomli_w.dumps(_without_null(value) if isinstance(value, dict) else {"a": _without_null(value)})
    except (TypeError, ValueError):
        return repr(value).encode("utf-8", "replace")
    return _with_raw(text, _RAW | _RAW_TOML).encode("utf-8", "replace")


def _without_null(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_null(each) for key, each in value.items() if each is not None}
    return [_without_null(each) for each in value if each is not None] if isinstance(value, list) else value
