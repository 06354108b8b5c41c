"""The report names both losses on held-out text, draws both, and explains why they lie above that of training."""

import dataclasses
import re
from pathlib import Path
from typing import TYPE_CHECKING

from gpt25.plots import write_report
from gpt25.storage import write_json

if TYPE_CHECKING:
    from conftest import MakeRun


def test_both_losses_on_held_out_text_are_named_drawn_and_explained(make_run: "MakeRun", tmp_path: Path) -> None:
    run = make_run()
    last = run.metrics()[-1]
    run.append_metrics({**last, "update": 601, "tokens": 601 * 16_384, "validation_tokens": 16_384})
    summary = run.read_summary()
    assert summary is not None
    run.write_summary(dataclasses.replace(summary, held_out_loss=2.4321, held_out_tokens=351_010))
    checkpoint = run.checkpoints()[-1].path
    write_json(checkpoint / "state.json", {"update": 600, "tokens": 9_000, "training_tokens_in_data": 3_000})
    write_report(run, tmp_path / "report.html")
    source = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<dt>held-out loss</dt><dd>2.432<small>nats per token, all 351,010 tokens</small>" in source
    assert "<dt>validation loss</dt><dd>2.470<small>nats per token, 16,384 tokens</small>" in source
    assert source.count('<span class="key held-out">all held-out text, 2.432</span>') == 2
    assert source.count('<polygon class="held-out"') == 4  # against tokens and time, for wide windows and phones
    assert source.count("validation, 16,384 tokens, last ") == 2
    assert (
        "The validation loss (rings) is measured on the same 16,384 held-out tokens on the way; the held-out loss "
        "(diamond) once at the end, on all of the held-out text and with at least half a block before each token."
    ) in source
    assert (
        "Validation may lie above training because the model has learned from the training text, which it has read "
        "3.0 times over, while the held-out documents are new to it; and 16,384 tokens are a sample, which may be "
        "harder or easier than the whole."
    ) in source


def test_a_text_read_once_is_explained_otherwise(make_run: "MakeRun", tmp_path: Path) -> None:
    write_report(make_run(), tmp_path / "report.html")
    source = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "from the training text, of whose documents it has already read other parts, while" in source
    assert "and the validation tokens are a sample" in source
    assert "diamond" not in source
    assert "held-out loss" not in source


def test_commands_to_go_on_with_stand_at_the_end(make_run: "MakeRun", tmp_path: Path) -> None:
    write_report(make_run(), tmp_path / "report.html")
    source = (tmp_path / "report.html").read_text(encoding="utf-8")
    headings = re.findall(r"<h2>(.*?)</h2>", source)
    assert headings[-1] == "Go on from here"
    assert headings[-3:-1] == ["The run", "The machine"]
    assert source.index("Go on from here") < source.index("<footer>")
    assert source.count("<footer>") == 1


def test_few_updates_are_dots_in_the_report(make_run: "MakeRun", tmp_path: Path) -> None:
    for updates, lines, dots in ((6, 0, 24), (100, 4, 0)):
        write_report(make_run(f"run{updates}", updates=updates, interval=1000), tmp_path / "report.html")
        source = (tmp_path / "report.html").read_text(encoding="utf-8")
        assert source.count('<polyline class="smooth"') == lines
        assert source.count('<circle class="point training"') == dots
