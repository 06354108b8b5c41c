"""An empty word is no path: it would stand for the working directory."""

import os
from pathlib import Path

import pytest

from gpt25.cli.main import main
from gpt25.cli.words.empty_words import require_no_empty_word
from gpt25.errors import ConfigurationError


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--output", ""], "--output"),
        (["--output="], "--output"),
        (["--data.texts", "a", "", "b"], "--data.texts"),
        (["--data.json_field="], "--data.json-field"),
        (["", "--samples", "3"], "one of its words"),
        (["a", ""], "one of its words"),
    ],
)
def test_it_is_refused_by_its_flag(words: list[str], what: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        require_no_empty_word("made", words)
    assert str(caught.value) == (
        f"gpt25 made: {what} is empty, as of a shell's variable that is not set. Write what is meant, . for the "
        "directory here."
    )


@pytest.mark.parametrize(
    "words", [["m", "--prompt", ""], ["m", "--prompt="], ["--stop", "a", ""], ["--loop.sample-prompt", ""], ["--", ""]]
)
def test_a_text_may_be_empty(words: list[str]) -> None:
    require_no_empty_word("made", words)
    require_no_empty_word("made", ["", *words], takes_text=True)


COMMANDS = [
    ["tokenizer", "train", "", "--vocabulary-size", "300", "--output", "made"],
    ["tokenizer", "train", "texts", "--vocabulary-size", "300", "--output", ""],
    ["data", "prepare", "texts", "--tokenizer", "", "--output", "made"],
    ["data", "prepare", "texts", "--tokenizer", "gpt2", "--output", ""],
    ["data", "show", ""],
    ["train", "", "--run", "made"],
    ["train", "quickstart", "--run", ""],
    ["train", "quickstart", "--run", "made", "--data.directory", ""],
    ["quickstart", "--run", ""],
    ["quickstart", "--texts", ""],
    ["generate", "", "--prompt", "a"],
    ["evaluate", "gpt2", "--task", "lambada", "--data", ""],
    ["plot", "loss", "", "--output", "a.png"],
    ["export", "gpt2", "--format", "gguf", "--output", ""],
    ["plan", ""],
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_command_takes_it_for_the_working_directory(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("some words")
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    assert " is empty, as of a shell's variable that is not set." in capsys.readouterr().err
    assert os.listdir() == ["texts"]


def test_an_empty_text_is_encoded(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tokenizer", "encode", "", "--json"]) == 0
    assert capsys.readouterr().out == '{"token_ids": []}\n'
