"""In what runs can be compared: nats per token, bits per byte, or not at all."""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gpt25.cli.main import main
from gpt25.errors import PlotError
from gpt25.plots import common_data_set, lines_beside, loss_measure, loss_reference_lines
from gpt25.records import RunDirectory

if TYPE_CHECKING:
    from conftest import MakeRun


def run_of(
    make_run: "MakeRun", name: str, *, vocabulary: int, tokenizer: str, sha256: str, **validation: Any
) -> RunDirectory:
    run = make_run(name)
    run.recipe_path.write_text(f"[model]\nvocabulary_size = {vocabulary}\n", encoding="utf-8")
    run.data_path.mkdir()
    split = {"shards": [{"sha256": sha256 * 32}], **validation}
    content = {"tokenizer_fingerprint": tokenizer, "validation": split}
    (run.data_path / "index.json").write_text(json.dumps(content), encoding="utf-8")
    return run


def test_the_same_tokens_are_compared_per_token(make_run: "MakeRun") -> None:
    runs = [
        run_of(make_run, name, vocabulary=50257, tokenizer="g", sha256="11", tokens=10, documents=1, bytes=40)
        for name in ("a", "b")
    ]
    measure = loss_measure(runs)
    assert (measure.unit, measure.factors, measure.remarks) == ("nats per token", (1.0, 1.0), ())


def test_different_tokenizers_on_one_text_are_compared_per_byte(
    make_run: "MakeRun", tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = {"documents": 7, "bytes": 4000}
    runs = [
        run_of(make_run, "large", vocabulary=50257, tokenizer="g", sha256="11", tokens=1000, **text),
        run_of(make_run, "small", vocabulary=512, tokenizer="s", sha256="22", tokens=2000, **text),
    ]
    measure = loss_measure(runs)
    assert measure.unit == "bits per byte"
    assert measure.factors == pytest.approx((1000 / 4000 / math.log(2), 2000 / 4000 / math.log(2)))
    (remark,) = measure.remarks
    assert "the runs have different tokenizers" in remark
    assert [line.measure for line in lines_beside(runs)] == ["hellaswag_accuracy_norm"] * 2  # which has no tokens
    with pytest.raises(PlotError, match="gpt25 compare draws them in bits per byte"):
        loss_reference_lines(runs)
    with pytest.raises(PlotError, match="--data-set fineweb asks for OpenAI's losses per GPT-2 token"):
        common_data_set(runs, "fineweb")

    page = tmp_path / "both.html"
    assert main(["compare", *(str(run.path) for run in runs), "--output", str(page), "--json"]) == 0
    said = capsys.readouterr()
    content = json.loads(said.out)
    assert content["loss_unit"] == "bits per byte"
    assert content["remarks"] == [remark]
    for each, factor in zip(content["runs"], measure.factors, strict=True):
        assert each["last_bits_per_byte"] == pytest.approx(each["last_validation_loss"] * factor)
    assert "validation loss, bits per byte" in said.err
    source = page.read_text(encoding="utf-8")
    assert "Bits per byte on held-out text: lower is better" in source
    assert f"{content['runs'][1]['last_bits_per_byte']:.4f}" in source
    assert "nats per token are not compared" in source


def test_different_texts_are_said_to_differ(make_run: "MakeRun") -> None:
    runs = [
        run_of(make_run, "a", vocabulary=512, tokenizer="s", sha256="11", tokens=10, documents=1, bytes=40_000),
        run_of(make_run, "b", vocabulary=512, tokenizer="s", sha256="22", tokens=10, documents=2, bytes=50_000),
    ]
    first, second = loss_measure(runs).remarks
    assert "the runs read different tokens" in first
    assert "The runs hold out different texts (a 40" in second
    assert "gpt25 evaluate --against" in second


def test_without_the_number_of_bytes_nothing_is_compared(make_run: "MakeRun") -> None:
    runs = [
        run_of(make_run, "known", vocabulary=512, tokenizer="s", sha256="11", tokens=10, documents=1, bytes=40),
        run_of(make_run, "fetched", vocabulary=50257, tokenizer="g", sha256="22", tokens=10, documents=0, bytes=0),
    ]
    with pytest.raises(PlotError, match=r"different sizes.*the index of the shards of fetched does not"):
        loss_measure(runs)
