"""The page that follows one prompt through a model: what it holds, and that it is never too large."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gpt25.errors import PlotError
from gpt25.plots import InsideOfText, Operation, PartsOfLogit, draw_inside, most_tokens_inside
from gpt25.plots.circuits.inside_page import SHOWN_CHANNELS

HOSTILE = "</script><script>alert(1)</script>"
_VECTORS_OF_A_LAYER, _OTHER_VECTORS = 10, 4


def inside(layers: int, heads: int, time: int) -> InsideOfText:
    chance = np.random.default_rng(3)

    def step(layer: int | None) -> Operation:
        vectors = chance.normal(size=(time, SHOWN_CHANNELS)).astype(np.float32)
        return Operation(
            "Perceptron: project",
            "A linear layer, 3,072 → 768: what it adds to the stream.",
            (time, 768),
            layer,
            vectors,
            np.linalg.norm(vectors, axis=1),
        )

    weights = np.tril(chance.random((layers, heads, time, time)).astype(np.float32))
    candidates = [[[(f"·word{chance.integers(9999)}", float(chance.random())) for _ in range(5)] for _ in range(time)]]
    part = PartsOfLogit("·the", 12.34, chance.normal(size=(layers, heads)), chance.normal(size=(layers, 2)), {"t": 0.5})
    return InsideOfText(
        name="m",
        facts={"layers": str(layers)},
        tokens=[HOSTILE, *(["·word"] * (time - 1))],
        token_ids=[50_256] * time,
        operations=[
            *(step(None) for _ in range(_OTHER_VECTORS)),
            *(step(layer) for layer in range(layers) for _ in range(_VECTORS_OF_A_LAYER)),
        ],
        attention=weights / weights.sum(axis=-1, keepdims=True),
        candidates=candidates * (layers + 1),
        parts=[part] * time,
        stream=chance.random((layers + 1, time)),
        added={"attention": chance.random((layers, time)), "perceptron": chance.random((layers, time))},
    )


def content_of(page: Path) -> Any:
    found = re.search(r'id="content">(.*?)</script>', page.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert found is not None
    return json.loads(found[1])


@pytest.mark.parametrize(("layers", "heads"), [(2, 2), (12, 12), (48, 25)])
def test_a_page_with_as_many_tokens_as_fit_has_under_three_megabytes(layers: int, heads: int, tmp_path: Path) -> None:
    most = min(most_tokens_inside(layers=layers, heads=heads), 1024)
    assert most >= 25, "not even a sentence fits"
    draw_inside(inside(layers, heads, most if layers > 2 else 100), tmp_path / "a.html")
    size = (tmp_path / "a.html").stat().st_size
    assert size < 3_000_000
    if layers > 2:
        assert size > 1_500_000, "more tokens would fit"
        with pytest.raises(PlotError, match=f"and a page of this model has room for {most:,}; shorten it"):
            draw_inside(inside(layers, heads, most + 1), tmp_path / "b.html")


def test_a_page_fetches_nothing_and_runs_nothing_from_the_prompt(tmp_path: Path) -> None:
    draw_inside(inside(2, 2, 4), tmp_path / "a.html")
    source = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "alert(1)</script>" not in source
    assert "innerHTML" not in source
    assert set(re.findall(r"https?://[^\s\"']+", source)) <= {"http://www.w3.org/2000/svg"}
    content = content_of(tmp_path / "a.html")
    assert content["tokens"][0] == HOSTILE
    assert (content["layers"], content["heads"]) == (2, 2)
    assert len(content["operations"]) == _OTHER_VECTORS + 2 * _VECTORS_OF_A_LAYER


def test_a_picture_of_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlotError, match=r"a.png is not a page; this picture is one, and its file ends in .html"):
        draw_inside(inside(2, 2, 4), tmp_path / "a.png")
