import json
from pathlib import Path

import pytest

import gpt25
from gpt25.cli.main import main


def test_plan_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = (Path(gpt25.__file__).parent / "recipes" / "toml" / "gpt2_124m.toml").read_text(encoding="utf-8")
    own = tmp_path / "own.toml"
    own.write_text(recipe + "\n[hellaswag]\ninterval_in_updates = 1000\n", encoding="utf-8")
    assert main(["plan", str(own), "--gpus", "8", "--price-per-hour", "24", "--gpu", "h200"]) == 0
    said = "".join(capsys.readouterr())
    for word in ("optimizer", "largest micro-batch", "tokens/s", "Time and money, USD", "HellaSwag", "24 USD an hour"):
        assert word in said
    assert "Projection of the loss: none: the published curve is of llm.c's 124M with AdamW" in said
    assert main(["plan", "gpt2_124m_adamw", "--gpu", "h200"]) == 0
    said = "".join(capsys.readouterr())
    assert "Projection, not a measurement: loss 3.27 to 3.29 on FineWeb at the end, where llm.c's 124M" in said
    assert "4.8 to 5.3 billion tokens" in said
    assert "give --price-per-hour, or track.price_per_hour in the recipe" in said


def test_plan_s_lines_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "gpt2_124m", "--gpu", "h100", "--price-per-hour", "3", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["total_money"] == pytest.approx(sum(line["money"] for line in found["costs"]))
    assert found["total_hours"] == pytest.approx(sum(line["hours"] for line in found["costs"]))
    assert all(line["assumption"] for line in found["costs"])
    assert found["projection"]["loss"] is None


def test_plan_with_the_recipes_price(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = (Path(gpt25.__file__).parent / "recipes" / "toml" / "gpt2_124m.toml").read_text(encoding="utf-8")
    own = tmp_path / "own.toml"
    own.write_text(recipe.replace("[track]", "[track]\nprice_per_hour = 12.5"), encoding="utf-8")
    assert main(["plan", str(own), "--gpu", "h100"]) == 0
    assert "12.5 USD an hour" in capsys.readouterr().out
    assert main(["plan", "gpt2_124m", "--gpu", "h100"]) == 0
    assert "give --price-per-hour, or track.price_per_hour in the recipe" in " ".join(capsys.readouterr().out.split())


def test_money_has_a_currency(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["plan", "gpt2_124m", "--gpu", "h100", "--price-per-hour", "2.5", "--currency", "EUR"]
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["currency"] == "EUR"
    assert main(words) == 0
    assert "2.5 EUR an hour; what fails" in " ".join(capsys.readouterr().out.split())
    own = tmp_path / "own.toml"
    own.write_text('[track]\nprice_per_hour = 12.5\ncurrency = "CHF"\n', encoding="utf-8")
    assert main(["plan", str(own), "--gpu", "h100", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["currency"] == "CHF"
    for wrong, complaint in (
        (["--currency", "EUR"], "--currency is EUR without a price in it: give --price-per-hour too."),
        (["--price-per-hour", "2", "--currency", "two words"], "--currency is 'two words'; it must be the name of a"),
    ):
        assert main(["plan", "gpt2_124m", "--gpu", "h100", *wrong]) == 2
        assert complaint in capsys.readouterr().err


def test_plan_says_how_large_the_updates_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = (Path(gpt25.__file__).parent / "recipes" / "toml" / "gpt2_124m_adamw.toml").read_text(encoding="utf-8")
    own = tmp_path / "own.toml"
    own.write_text(recipe.replace("[batch]", "[batch]\nsmaller_updates = [[0.5, 131_072]]"), encoding="utf-8")
    assert main(["plan", str(own), "--gpu", "h100", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    half = (found["number_of_updates"] + 1) // 2
    assert found["update_sizes"] == f"131,072 tokens up to update {half:,}, then 524,288"
    assert found["total_tokens"] == half * 131_072 + (found["number_of_updates"] - half) * 524_288
    assert main(["plan", str(own), "--gpu", "h100"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert f"{found['number_of_updates']:,}, of 131,072 tokens up to update" in said


def test_plan_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "gpt2_124m", "--gpu", "a100", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["needed_bytes"] == sum(part["number_of_bytes"] for part in found["memory"])
    assert found["money"] is None


def test_wrong_words_exit_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["--gpu", "tpu"], ["--gpus", "0"], ["--price-per-hour", "-1"]):
        assert main(["plan", "gpt2_124m", "--gpu", "h100", *words]) == 2
        assert words[0] in capsys.readouterr().err
