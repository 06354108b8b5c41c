"""`gpt25 plot` from its words to its files, messages and exit codes."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gpt25.cli.main import main

if TYPE_CHECKING:
    from conftest import MakeRun

PNG = b"\x89PNG\r\n\x1a\n"


def test_losses_of_several_runs(make_run: "MakeRun", tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [str(make_run(name, updates=20).path) for name in ("one", "two")]
    output = str(tmp_path / "loss.png")
    assert main(["plot", "loss", *runs, "--output", output, "--x", "seconds", "--logarithmic", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"output": output, "runs": runs, "x": "seconds"}
    assert Path(output).read_bytes().startswith(PNG)


def test_human_readable_messages(make_run: "MakeRun", tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, output = str(make_run(updates=20).path), str(tmp_path / "loss.png")
    assert main(["plot", "loss", run, "--output", output]) == 0
    assert capsys.readouterr() == (f"The losses are drawn in {output}.\n", "")
    assert main(["plot", "report", run]) == 0
    said, noted = capsys.readouterr()
    assert said == f"The report is {run}/report.html; open it in a browser.\n"
    assert noted.startswith(f"the report of {run} lacks the positional embeddings: ")  # its checkpoints hold no weights
    assert Path(run, "report.html").read_text().startswith("<!doctype html>")


def test_a_report_elsewhere(make_run: "MakeRun", tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, output = str(make_run(updates=20).path), str(tmp_path / "page.html")
    assert main(["plot", "report", run, "--output", output, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"output": output, "run": run}
    assert Path(output).exists()


@pytest.mark.parametrize("words", [["loss", "nowhere", "--output", "loss.png"], ["report", "nowhere"]])
def test_a_path_without_run_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plot", *words]) == 2
    message = "error: there is no directory nowhere.\n"
    assert capsys.readouterr() == ("", message)


def test_a_picture_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plot", "lost"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: gpt25 plot")
    assert "loss" in error
    assert "Traceback" not in error
