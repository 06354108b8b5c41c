"""How objects show themselves in a notebook: whole tables, every value in its place, nothing that could run."""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch

from gpt25.evaluation import Difference, Measurement
from gpt25.generation import Sample
from gpt25.markup import notebook_table
from gpt25.model import GPTConfiguration, GPTModel, quantise_int8
from gpt25.records import RunDirectory, Summary
from gpt25.storage import write_text

HOSTILE = "</td><script>alert(1)</script>&\x1b[31m"


def cells(markup: str) -> list[list[str]]:
    """The texts of a table by row; fails where the markup is no tree of elements."""
    root = ElementTree.fromstring(f"<div>{markup}</div>")
    assert {element.tag for element in root.iter()} <= {
        "div", "table", "caption", "strong", "thead", "tbody", "tr", "th", "td", "p", "small", "pre",
    }  # fmt: skip
    return [["".join(cell.itertext()) for cell in row] for row in root.iter("tr")]


def test_a_table_says_every_value_and_lets_none_become_markup() -> None:
    rows = [[HOSTILE, 124_439_808, 0.123456, None, True], ["b", 1, 2.0, HOSTILE, False]]
    markup = notebook_table(HOSTILE, rows, columns=[HOSTILE, "count"], note=HOSTILE)
    inert = "</td><script>alert(1)</script>&\N{REPLACEMENT CHARACTER}[31m"
    assert cells(markup) == [
        [inert, "count"],
        [inert, "124,439,808", "0.1235", "", "yes"],
        ["b", "1", "2", inert, "no"],
    ]
    assert markup.count("&lt;script&gt;") == 5


@pytest.fixture
def model() -> GPTModel:
    shape = GPTConfiguration(
        block_size=1024, vocabulary_size=300, number_of_layers=2, number_of_heads=4, number_of_embedding_dimensions=32
    )
    return GPTModel(shape, generator=torch.Generator().manual_seed(1))


def test_a_model_says_parameters_shape_precision_and_device(model: GPTModel) -> None:
    parameters = sum(parameter.numel() for parameter in model.parameters())
    shape = "2 layers, 4 heads, 32 channels, block size 1,024, vocabulary 300"
    assert repr(model) == f"GPTModel({parameters:,} parameters: {shape}; float32 on cpu)"
    assert repr(model.bfloat16()).endswith("; bfloat16 on cpu)")
    assert repr(quantise_int8(model)).endswith("; int8 on cpu)")
    with torch.device("meta"):
        assert repr(GPTModel(GPTConfiguration())).startswith("GPTModel(124,439,808 parameters: 12 layers, ")


def test_a_model_in_a_notebook_adds_up(model: GPTModel) -> None:
    heads, *rows, together = cells(model._repr_html_())
    assert heads == ["part", "size", "parameters"]
    numbers = [int(row[2].replace(",", "")) for row in rows]
    assert numbers[0] == model.transformer.word_token_embeddings.weight.numel()
    assert numbers[2] == sum(parameter.numel() for parameter in model.transformer.hidden.parameters())
    assert int(together[2].replace(",", "")) == sum(numbers) == sum(each.numel() for each in model.parameters())


def test_a_sample_in_a_notebook_is_its_text() -> None:
    markup = Sample(f"def f():\n    {HOSTILE}", (1, 2), "length", 7)._repr_html_()
    root = ElementTree.fromstring(f"<div>{markup}</div>")
    assert [element.tag for element in root.iter()] == ["div", "pre", "small"]
    assert root[0].text == "def f():\n    </td><script>alert(1)</script>&\N{REPLACEMENT CHARACTER}[31m"
    assert root[1].text == "2 tokens, cut at its length, seed 7"
    assert "1 token, stopped by itself" in Sample("", (1,), "stop", 7)._repr_html_()


def test_a_score_is_a_figure_with_its_error() -> None:
    score = Measurement("accuracy", f"of {HOSTILE}", np.array([1.0, 0.0, 1.0, 1.0]), np.ones(4))
    assert repr(score) == "Measurement(accuracy 0.7500 ± 0.2500, 4 items)"
    assert cells(score._repr_html_())[1] == ["accuracy", "0.75", "0.25", "4", "higher"]
    assert "of &lt;/td&gt;" in score._repr_html_()
    alone = Measurement("loss", "", np.array([3.0]), np.ones(1), higher_is_better=False)
    assert repr(alone) == "Measurement(loss 3.0000, 1 item)"
    assert cells(alone._repr_html_())[1] == ["loss", "3", "", "1", "lower"]
    difference = Difference("accuracy", -0.25, 0.1, None, HOSTILE)
    assert cells(difference._repr_html_())[1] == ["accuracy", "-0.25", "0.1", ""]
    assert "&lt;script&gt;" in difference._repr_html_()


def test_a_run_says_how_far_it_is(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "<b>")
    assert "Nothing is recorded here yet." in run._repr_html_()
    run.path.mkdir()
    run.append_metrics({"update": 1, "tokens": 4096, "training_loss": 4.5, "validation_loss": 4.75})
    run.append_metrics({"update": 2, "tokens": 8192, "training_loss": 4.25})
    run.write_summary(Summary(HOSTILE, model_parameters=1000))
    markup = run._repr_html_()
    assert "/&lt;b&gt;</strong>" in markup
    assert dict(cells(markup)) == {
        "title": "</td><script>alert(1)</script>&\N{REPLACEMENT CHARACTER}[31m",
        "state": "not finished",
        "parameters": "1,000",
        "updates": "2",
        "tokens": "8,192",
        "training loss, last update": "4.25",
        "validation loss, last": "4.75",
    }
    write_text(run.summary_path, "{}")
    assert "summary.json" in run._repr_html_()
