"""What `gpt25 compare` says in the terminal: its table, its graph and its sentences within 80 columns."""

import os
import pty
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from gpt25.cli.main import main

if TYPE_CHECKING:
    from conftest import MakeRun


@pytest.fixture
def runs(make_run: "MakeRun") -> list[str]:
    made = [make_run("a-run-with-quite-a-long-name-muon", final_loss=3.1), make_run("adamw", final_loss=3.5)]
    for run in made:
        run.recipe_path.write_text("[model]\nvocabulary_size = 50257\n", encoding="utf-8")
    return [str(run.path) for run in made]


def check(lines: list[str]) -> None:
    text = "\n".join(lines)
    assert max(map(len, lines)) <= 80
    assert "validation loss, nats per token" in text
    assert re.search(r"a …ite-a-long-name-muon|a …\S*-muon", text)
    assert re.search(r"b adamw +3\.\d{4} +3\.\d{4} +9\.83 million +9 min 42 s +16,\d{3}", text)
    assert "GPT-2 124M 3.42496" in text  # in the graph
    assert "⠒" in text
    assert "a-run-with-quite-a-long-name-muon crosses GPT-2 124M (3.42496) at" in text
    assert "adamw stays above GPT-2 124M (3.42496): its last validation loss is" in text


def test_into_a_file(runs: list[str], tmp_path: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *runs, "--data-set", "fineweb", "--output", f"{tmp_path}/x.html"]) == 0
    *lines, last = capsys.readouterr().out.splitlines()
    check(lines)
    assert last.startswith("The report is ")


@pytest.mark.parametrize("columns", [60, 80])
def test_on_a_terminal(runs: list[str], tmp_path: object, columns: int) -> None:
    master, slave = pty.openpty()
    words = ["compare", *runs, "--data-set", "fineweb", "--output", "x.html"]
    environment = {**os.environ, "COLUMNS": str(columns), "LINES": "24", "TERM": "xterm"}
    process = subprocess.Popen(
        [sys.executable, "-m", "gpt25", *words], stdout=slave, stderr=slave, env=environment, cwd=str(tmp_path)
    )
    os.close(slave)
    shown = b""
    while True:
        try:
            fresh = os.read(master, 65536)
        except OSError:
            break
        if not fresh:
            break
        shown += fresh
    os.close(master)
    assert process.wait(60) == 0, shown
    lines = re.sub(r"\x1b\[[0-9;]*m", "", shown.decode()).splitlines()
    assert max(map(len, lines)) <= columns
    if columns == 80:
        check(lines)


def test_an_unfinished_run_is_said_to_be(make_run: "MakeRun", capsys: pytest.CaptureFixture[str]) -> None:
    run = make_run("half")
    run.summary_path.unlink()
    assert main(["compare", str(run.path)]) == 0
    assert "half is not finished." in capsys.readouterr().out
