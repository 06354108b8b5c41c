"""Documents as rows of token ids, one JSON object a line: {"tokens": [464, 3797, …], "token_count": 812, …}."""

from array import array

import numpy as np
from numpy.typing import NDArray

from gpt25.errors import DataError
from gpt25.storage.reading.json_values import parse_json, short

_FIELD, _COUNT = "tokens", "token_count"
_NAMES_SHOWN = 8


def row_tokens(line: bytes, *, end_of_text_id: int, where: str) -> NDArray[np.uint16]:
    """A row's ids, (tokens,), without end-of-text tokens before and behind them; one between two texts stays.

    Raises DataError that begins with `where` for what is no such row: no JSON object, no list of ids, an id beyond the
    end-of-text token, which is GPT-2's last, or another number of them than the row itself says.
    """
    row = parse_json(line, where=where, error=DataError)
    if not isinstance(row, dict):
        raise DataError(f"{where} is {short(row)}; a row is an object with a list of ids, {_FIELD!r}")
    if _FIELD not in row:
        names = ", ".join(map(repr, list(row)[:_NAMES_SHOWN])) or "none"
        raise DataError(f"{where} has no field {_FIELD!r}; its fields: {names}")
    ids = _ids(row[_FIELD], where)  # (tokens,)
    if len(ids) and int(ids.max()) > end_of_text_id:
        place = int(np.argmax(ids > end_of_text_id))
        raise DataError(
            f"{where}: {_FIELD}[{place}] is {int(ids[place]):,}, beyond the last id of GPT-2's tokenizer, "
            f"{end_of_text_id:,}"
        )
    if row.get(_COUNT, len(ids)) != len(ids):
        raise DataError(f"{where} has {len(ids):,} ids and says {_COUNT} {short(row[_COUNT])}: it is damaged")
    texts = np.flatnonzero(ids != end_of_text_id)
    return ids[texts[0] : texts[-1] + 1] if len(texts) else ids[:0]


def _ids(value: object, where: str) -> NDArray[np.uint16]:
    if not isinstance(value, list):
        raise DataError(f"{where}: {_FIELD} is {short(value)}; it must be a list of ids")
    try:
        return np.frombuffer(array("H", value), dtype=np.uint16) if value else np.empty(0, dtype=np.uint16)
    except (TypeError, OverflowError) as problem:
        wrong = next(place for place, each in enumerate(value) if type(each) is not int or not 0 <= each < 2**16)
        raise DataError(f"{where}: {_FIELD}[{wrong}] is {short(value[wrong])}; an id is a whole number") from problem
