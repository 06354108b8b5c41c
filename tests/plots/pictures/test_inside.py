"""The pictures of what is inside a model: each a file of the kind that its ending says, from arrays alone."""

import base64
import hashlib
import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.image import imread

from gpt25.errors import PlotError, StorageError
from gpt25.plots import (
    AttentionOfText,
    PositionsOfModel,
    PredictionsOfText,
    TensorPair,
    draw_attention,
    draw_differences,
    draw_positions,
    draw_predictions,
    picture_format,
    positions_that_fit,
    require_picture_file,
)
from gpt25.plots.page_arrays import quantised

HOSTILE = "</script><script>alert(1)</script>$x$ 漢 & <b>"


def positions(name: str = "a model", *, constant: bool = False) -> PositionsOfModel:
    embeddings = np.random.default_rng(1).normal(size=(16, 12)).astype(np.float32)
    embeddings *= not constant
    return PositionsOfModel(
        name=name,
        embeddings=embeddings,
        similarity=np.eye(16, dtype=np.float32),
        spectrum=np.full((9, 12), 0 if constant else 1 / 8, dtype=np.float32),
        roughness=np.full(12, math.nan if constant else 0.9),
        overall_roughness=math.nan if constant else 0.9,
    )


def attention(time: int = 5, layers: int = 2, heads: int = 3, *, name: str = "a model") -> AttentionOfText:
    weights = np.tril(np.random.default_rng(2).random((layers, heads, time, time)).astype(np.float32))
    weights /= weights.sum(axis=-1, keepdims=True)
    tokens = [HOSTILE, "·the", "↵", "a" * 60, "\\xe2"][:time] + ["·word"] * (time - 5)
    return AttentionOfText(name, tokens, list(range(layers)), list(range(heads)), weights)


def predictions(time: int = 5, layers: int = 2, *, name: str = "a model") -> PredictionsOfText:
    cell = [("·the", 0.5), (HOSTILE, 0.25)]
    return PredictionsOfText(name, [HOSTILE] + ["·a"] * (time - 1), [[cell] * time] * (layers + 1))


def pairs() -> list[TensorPair]:
    values = np.array([2.0, 1.0, 0.0])
    inside = [
        TensorPair(f"transformer.hidden.{layer}.{part}", part, layer, 1.0, 2.0, 0.5, 0.9, values, values / 2)
        for layer in (0, 1)
        for part in ("attention.projection.weight", "multi_layer_perceptron.expansion.weight")
    ]
    embeddings = TensorPair("transformer.wte", "word_token_embeddings.weight", None, 3, 3, 0.1, 0.8, values, values)
    bias = TensorPair("transformer.final_layer_norm.bias", "b", None, 0, 1, math.inf, math.nan, None, None)
    return [embeddings, *inside, bias]


def draw_all(output: Path, *, name: str = "a model") -> dict[str, Callable[[], None]]:
    return {
        "positions": lambda: draw_positions([positions(name)], output, columns=[1, 11], verdict=f"{name} is rough"),
        "attention": lambda: draw_attention(attention(name=name), output),
        "head": lambda: draw_attention(attention(layers=1, heads=1, name=name), output),
        "predictions": lambda: draw_predictions(predictions(name=name), output),
        "differences": lambda: draw_differences(pairs(), output, name_a=name, name_b="b"),
    }


PICTURES = sorted(draw_all(Path()))


@pytest.mark.parametrize("picture", [picture for picture in PICTURES if picture != "positions"])  # further down
def test_a_png_is_a_picture_with_something_on_it(picture: str, tmp_path: Path) -> None:
    draw_all(tmp_path / "a.png", name=HOSTILE)[picture]()
    pixels = imread(tmp_path / "a.png")
    height, width = pixels.shape[:2]
    assert 300 < width < 4000
    assert 250 < height < 4000
    assert len(np.unique(pixels[:, :, 0])) > 20
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize("picture", [picture for picture in PICTURES if picture != "positions"])  # the slowest to draw
def test_an_svg_is_xml_that_fetches_nothing_and_comes_out_the_same_again(picture: str, tmp_path: Path) -> None:
    contents = []
    for name in ("1.SVG", "2.svg"):
        draw_all(tmp_path / name)[picture]()
        contents.append((tmp_path / name).read_bytes())
    assert contents[0] == contents[1]
    root = ElementTree.fromstring(contents[0])
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    links = [value for element in root.iter() for key, value in element.attrib.items() if key.endswith("href")]
    assert all(link.startswith(("#", "data:image/png;base64,")) for link in links)


def page(path: Path) -> tuple[str, Any]:
    """A page's source, once what must hold of every page is checked, and the content that its script draws."""
    source = path.read_text(encoding="utf-8")
    scripts = re.findall(r"<script(?P<kind>[^>]*)>(.*?)</script>", source, flags=re.DOTALL)
    assert [kind for kind, _ in scripts] == [' type="application/json" id="content"', ""], "another script came in"
    code = scripts[1][1]
    fingerprint = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', source)
    assert policy is not None
    assert policy[1] == (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{fingerprint}'; "
        "base-uri 'none'; form-action 'none'"
    )
    fetching = re.findall(
        r"""(?:src|href)\s*=|url\(|@import|\bfetch\(|XMLHttpRequest|import\(|https?://[^\s"']+""", source
    )
    assert set(fetching) <= {"http://www.w3.org/2000/svg"}
    assert "innerHTML" not in code
    assert "prefers-color-scheme: dark" in source
    assert 'name="viewport" content="width=device-width, initial-scale=1"' in source
    return source, json.loads(scripts[0][1])


@pytest.mark.parametrize("picture", PICTURES)
def test_a_page_holds_everything_and_lets_nothing_else_run(picture: str, tmp_path: Path) -> None:
    draw_all(tmp_path / "a.html", name=HOSTILE)[picture]()
    source, content = page(tmp_path / "a.html")
    assert "alert(1)</script>" not in source
    assert "&lt;/script&gt;&lt;script&gt;alert(1)" in source
    assert content


def dequantised(content: dict[str, Any]) -> np.ndarray:
    places = np.frombuffer(base64.b64decode(content["numbers"]), dtype="<u2").astype(np.float64)
    return (content["low"] + places * (content["high"] - content["low"]) / 65535).reshape(content["shape"])


@pytest.mark.parametrize("numbers", [np.linspace(-3, 5, 60).reshape(3, 4, 5), np.zeros((2, 2)), np.full(3, 7.0)])
def test_numbers_survive_the_page(numbers: np.ndarray) -> None:
    content = json.loads(json.dumps(quantised(numbers)))
    assert np.abs(dequantised(content) - numbers).max() <= (np.ptp(numbers) or 7) / 131_000


def test_the_page_of_the_attention_has_every_weight(tmp_path: Path) -> None:
    drawn = attention()
    draw_attention(drawn, tmp_path / "a.html")
    _, content = page(tmp_path / "a.html")
    assert content["tokens"] == list(drawn.tokens)
    rows = dequantised(content["weights"])  # (layers, heads, the lower triangle row by row)
    expected = np.concatenate([drawn.weights[:, :, query, : query + 1] for query in range(5)], axis=-1)
    assert np.allclose(rows, expected, atol=1e-5)


def test_the_page_of_the_predictions_has_every_candidate(tmp_path: Path) -> None:
    draw_predictions(predictions(), tmp_path / "a.html")
    _, content = page(tmp_path / "a.html")
    assert content["layers"] == ["embeddings", "layer 0", "layer 1"]
    cells = content["candidates"]
    assert (len(cells), len(cells[0])) == (3, 5)
    assert [[content["vocabulary"][place], value] for place, value in cells[2][4]] == [["·the", 0.5], [HOSTILE, 0.25]]


def test_the_page_of_the_differences_has_every_tensor(tmp_path: Path) -> None:
    draw_differences(pairs(), tmp_path / "a.html", name_a="a", name_b="b")
    _, content = page(tmp_path / "a.html")
    assert [tensor["name"] for tensor in content["tensors"]] == [pair.name for pair in pairs()]
    assert content["tensors"][1]["spectra"] == [[[0, 2.0], [1, 1.0], [2, 0.0]], [[0, 1.0], [1, 0.5], [2, 0.0]]]
    assert content["tensors"][-1] | {"name": ""} == {
        "name": "",
        "part": "b",
        "layer": None,
        "norms": [0, 1],
        "change": None,
        "cosine": None,
        "spectra": None,
    }


def test_models_stand_side_by_side(tmp_path: Path) -> None:
    models = [positions("first"), positions("second", constant=True)]
    draw_positions(models, tmp_path / "a.png", columns=[3], verdict="first is trained further")
    height, width = imread(tmp_path / "a.png").shape[:2]
    assert width == 2240
    assert 3000 < height < 3600
    draw_positions(models, tmp_path / "a.html", columns=[3], verdict="first is trained further")
    source, content = page(tmp_path / "a.html")
    assert "<h1>first is trained further</h1>" in source
    assert [model["headline"] for model in content["models"]] == ["first: roughness 0.90", "second: roughness none"]
    assert np.allclose(dequantised(content["models"][0]["embeddings"]), models[0].embeddings, atol=1e-4)


def test_a_column_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlotError, match="column is 12; a model has the columns 0 to 11"):
        draw_positions([positions()], tmp_path / "a.png", columns=[12], verdict="")
    assert not (tmp_path / "a.png").exists()


def test_long_texts_stay_within_bounds(tmp_path: Path) -> None:
    draw_attention(attention(210, 1, 1), tmp_path / "head.svg")  # every third token has its label
    labels = re.findall(r"<!-- (\d+)  ·word -->", (tmp_path / "head.svg").read_text())
    assert set(labels) == {str(place) for place in range(6, 210, 3)}
    draw_attention(attention(210, 2, 3), tmp_path / "grid.svg")
    assert positions_that_fit(13) >= 200
    assert positions_that_fit(10_000) == 16
    weights = np.broadcast_to(np.float32(0), (2, 3, 2000, 2000))
    too_many = AttentionOfText("m", ["a"] * 2000, [0, 1], [0, 1, 2], weights)
    with pytest.raises(PlotError, match="6 heads on 2,000 tokens have 12,006,000 weights, and a page holds 8,000,000"):
        draw_attention(too_many, tmp_path / "a.html")


def test_equal_models_and_zeros_are_drawn(tmp_path: Path) -> None:
    zeros = np.zeros(3)
    same = [
        TensorPair("a", "b.c.weight", 0, 1.0, 1.0, 0.0, 1.0, np.ones(3), np.ones(3)),
        TensorPair("a", "b.d.weight", 0, 0.0, 0.0, 0.0, math.nan, zeros, zeros),
        TensorPair("a", "b.e.weight", 0, 0.0, 1.0, math.inf, math.nan, zeros, np.ones(3)),
    ]
    for name in ("a.svg", "a.html"):
        draw_differences(same, tmp_path / name, name_a="a", name_b="a")


@pytest.mark.parametrize("time", [1, 2, 17])
def test_short_texts_and_broken_lines_are_drawn(time: int, tmp_path: Path) -> None:
    draw_predictions(predictions(time), tmp_path / "p.svg")
    draw_attention(attention(time, 1, 1), tmp_path / "h.svg")
    draw_attention(attention(time, 1, 5), tmp_path / "g.svg")


@pytest.mark.parametrize(("name", "kind"), [("a.png", "png"), ("b/c.SVG", "svg"), ("d.e.html", "html")])
def test_the_ending_decides(name: str, kind: str) -> None:
    assert picture_format(name) == kind


@pytest.mark.parametrize(("name", "ends"), [("a.pdf", "ends in .pdf"), ("picture", "has no ending that says which .*")])
def test_other_endings_are_refused_with_the_three_that_are_not(name: str, ends: str) -> None:
    with pytest.raises(PlotError, match=rf"{name} {ends}; a picture is a \.png, a \.svg or, .* a \.html file"):
        picture_format(name)


def test_a_device_without_an_ending_is_called_what_it_is() -> None:
    with pytest.raises(PlotError) as caught:
        require_picture_file("/dev/null")
    assert str(caught.value) == (
        "/dev/null is a device, which no picture is written into; name a file that ends in .png, .svg or .html."
    )


def test_a_place_is_proven_before_the_work(tmp_path: Path) -> None:
    assert require_picture_file(tmp_path / "new" / "a.svg") == "svg"
    assert list((tmp_path / "new").iterdir()) == []
    (tmp_path / "b.png").mkdir()
    with pytest.raises(StorageError, match=r"b\.png is a directory; name a file in it"):
        require_picture_file(tmp_path / "b.png")
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"cannot write in .*file: .*Choose another directory"):
        require_picture_file(tmp_path / "file" / "a.png")
