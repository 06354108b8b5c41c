import json

import pytest

from gpt25.cli.main import main


def test_plan_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "gpt2_124m", "--gpus", "8", "--price-per-hour", "24", "--gpu", "h200"]) == 0
    said = "".join(capsys.readouterr())
    for word in ("optimizer", "largest micro-batch", "tokens/s", "money", "Projection, not a measurement", "gpt2-xl"):
        assert word in said


def test_plan_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "gpt2_124m", "--gpu", "a100", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["needed_bytes"] == sum(part["number_of_bytes"] for part in found["memory"])
    assert found["money"] is None


def test_wrong_words_exit_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["--gpu", "tpu"], ["--gpus", "0"], ["--price-per-hour", "-1"]):
        assert main(["plan", "gpt2_124m", "--gpu", "h100", *words]) == 2
        assert words[0] in capsys.readouterr().err
