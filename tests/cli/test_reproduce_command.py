"""`gpt25 reproduce`: the words for people, the object for machines, and what is refused before any work."""

import json
from pathlib import Path
from typing import Any

import pytest

from gpt25.cli.main import main
from gpt25.recipes.reproduction.verdict import Figure, Verdict

FIGURE = Figure("loss", 3.28, 3.42, -0.14, 0.002, 1e-9, "better", False, "paired z", "nats per token")
VERDICT = Verdict("better", [FIGURE], "gpt2", False, 5_000_134_656, 1.5, 4.5, "EUR", ["gpt25 reproduce"])


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The settings that the command hands over; nothing is done."""
    found: list[Any] = []

    def record(path: Path, settings: Any, *, reporter: Any, ranks: Any) -> Verdict:
        found.append((path, settings))
        return VERDICT

    monkeypatch.setattr("gpt25.recipes.reproduce", record)
    return found


def test_flags_become_settings(asked: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--trial", "--price-per-hour", "3", "--currency", "EUR", "--data-set", "fineweb-edu", "--device", "cpu"]
    words += ["--shards-per-group", "none", "--network-megabytes-per-second", "900"]
    assert main(["reproduce", "gpt2-medium", "--run", str(tmp_path / "run"), *words]) == 0
    ((path, settings),) = asked
    assert path == tmp_path / "run"
    assert (settings.opponent, settings.is_trial, settings.price_per_hour) == ("gpt2-medium", True, 3.0)
    assert (settings.currency, settings.data_set, settings.device) == ("EUR", "fineweb-edu", "cpu")
    assert (settings.shards_per_group, settings.network_megabytes_per_second) == (None, 900.0)
    said = capsys.readouterr().out
    assert "this model is better in loss, compared with gpt2." in said
    assert "5,000,134,656 tokens, 1.50 hours of training, 4.50 EUR." in said
    assert str(tmp_path / "run" / "report.html") in said


def test_ctrl_c_outside_of_the_training_says_what_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("gpt25.recipes.reproduce", interrupted)
    assert main(["reproduce", "--run", str(tmp_path / "run"), "--trial"]) == 130
    assert capsys.readouterr().err == "stopped; the same command goes on with what is done.\n"


@pytest.mark.usefixtures("asked")
def test_json_is_the_verdict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", "--run", str(tmp_path / "run"), "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["verdict"] == "better"
    assert content["figures"][0]["difference"] == -0.14
    assert content["run"] == str(tmp_path / "run")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--price-per-hour", "0"], "--price-per-hour is 0.0; it must be above 0"),
        (["--price-per-hour", "nan"], "--price-per-hour is nan; it must be above 0"),
        (
            ["--network-megabytes-per-second", "0"],
            "--network-megabytes-per-second is 0; it must be above",
        ),
        (["--network-megabytes-per-second", "nan"], "--network-megabytes-per-second is nan; it must be above 0"),
        (["--recipe", "nothing"], "there is no recipe 'nothing'"),
        ([], "--trial goes through all of it in minutes"),
    ],
)
def test_what_cannot_be_is_refused(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["reproduce", "--run", str(tmp_path / "run"), *words]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
