"""A complaint about a value names the flag that was typed."""

from pathlib import Path

import pytest

from gpt25.cli.main import main
from gpt25.cli.words.flag_names import with_flag_names

FLAGS = {"--top-p", "--loop.number-of-updates", "--model.number-of-heads", "--texts", "--tokens-per-shard"}


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("top_p is 3.0; it must be 1, or None to be off.", "--top-p is 3.0; it must be 1, or none to be off."),
        ("tokens_per_shard must lie between 1 and 9", "--tokens-per-shard must lie between 1 and 9"),
        ("loop: loop.number_of_updates is 0", "--loop.number-of-updates is 0"),
        ("loop.number_of_updates is 0", "--loop.number-of-updates is 0"),
        ("model: number_of_heads 3 does not divide", "--model.number-of-heads 3 does not divide"),
        ("mine.toml: loop.number_of_updates is 0", "mine.toml: loop.number_of_updates is 0"),
        ("texts need a tokenizer", "texts need a tokenizer"),
        ("seed is -1; or None for a fresh one", "seed is -1; or None for a fresh one"),
        ("there is no model 'x'", "there is no model 'x'"),
    ],
)
def test_the_field_becomes_its_flag_where_there_is_one(message: str, expected: str) -> None:
    assert with_flag_names(message, FLAGS) == expected


@pytest.fixture
def texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("some words and more words\n" * 20)
    return tmp_path / "texts"


PREPARE = ["data", "prepare", "texts", "--tokenizer", "gpt2", "--output", "made"]


@pytest.mark.parametrize(
    ("words", "begins"),
    [
        ([*PREPARE, "--tokens-per-shard", "0"], "--tokens-per-shard must lie between 1 and 2,147,483,647, not 0"),
        ([*PREPARE, "--processes", "0"], "--processes is 0; it must be 1 or more"),
        ([*PREPARE, "--validation-fraction", "2"], "--validation-fraction must lie between 0 and 1, not 2.0"),
        ([*PREPARE, "--validation-tokens", "0"], "--validation-tokens must be at least 1, not 0"),
        ([*PREPARE, "--largest-document-bytes", "0"], "gpt25 data prepare: --largest-document-bytes is 0; it must be"),
        ([*PREPARE, "--document-separator", " "], "gpt25 data prepare: --document-separator is ' '; it must hold more"),
        ([*PREPARE, "--encoding", "nope"], "gpt25 data prepare: the encoding 'nope' is not one that Python knows"),
        (["tokenizer", "train", "texts", "--vocabulary-size", "12", "--output", "made"], "--vocabulary-size is 12; it"),
        (
            ["train", "quickstart", "--run", "made", "--loop.number-of-updates", "0"],
            "gpt25 train: --loop.number-of-updates is 0; it must be a positive number",
        ),
        (
            ["train", "quickstart", "--run", "made", "--model.number-of-heads", "3"],
            "gpt25 train: --model.number-of-heads 3 does not divide",
        ),
        (["quickstart", "--minutes", "0"], "--minutes is 0.0; it must be above 0"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_commands_name_the_flag_and_leave_nothing_behind(
    words: list[str], begins: str, texts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert capsys.readouterr().err.startswith(f"error: {begins}")
    assert not (texts.parent / "made").exists()
