import json
from pathlib import Path
from typing import Any

import pytest

from gpt25 import recipes
from gpt25.cli.main import main
from gpt25.data import ReadingSettings
from gpt25.errors import Interrupted
from gpt25.records import Summary

SUMMARY = Summary(title="a test", finished=True, tokens=5, bits_per_byte=1.5, next_commands=["gpt25 show x"])


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the command handed to the recipe, which does nothing here."""
    calls: list[dict[str, Any]] = []

    def quickstart(
        run_path: Path,
        *,
        minutes: float,
        reporter: Any,
        texts: tuple[str, ...],
        reading: ReadingSettings,
        special_tokens: str,
    ) -> Summary:
        own = {"texts": texts, "reading": reading, "special_tokens": special_tokens} if texts else {}
        calls.append({"run": run_path, "minutes": minutes} | own)
        reporter.say("words for people")
        return SUMMARY

    monkeypatch.setattr(recipes, "quickstart", quickstart)
    return calls


def test_it_takes_three_minutes_and_its_own_directory_by_default(
    calls: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["quickstart"]) == 0
    assert calls == [{"run": Path("runs/quickstart"), "minutes": 3.0}]
    assert capsys.readouterr().out == "words for people\n"


def test_flags_reach_the_recipe_and_json_is_one_object(
    calls: list[dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["quickstart", "--run", str(tmp_path / "run"), "--minutes", "0.5", "--json"]) == 0
    assert calls == [{"run": tmp_path / "run", "minutes": 0.5}]
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {"run": str(tmp_path / "run"), **SUMMARY.as_json()}
    assert printed.err == "words for people\n"


@pytest.mark.parametrize(
    ("texts", "name"),
    [
        (("my-texts/",), "my-texts"),
        (("notes.jsonl.gz", "b.txt"), "notes"),
        (("books/*.md",), "books"),
        (("/a/b/../c",), "c"),
        (("..",), "texts"),
    ],
)
def test_texts_reach_the_recipe_and_name_the_run(
    texts: tuple[str, ...], name: str, calls: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        main(
            [
                "quickstart",
                "--texts",
                *texts,
                "--field",
                "body",
                "--encoding",
                "cp1252",
                "--policy",
                "skip",
                "--special-tokens",
                "parse",
            ]
        )
        == 0
    )
    reading = ReadingSettings(field="body", encoding="cp1252", invalid_utf8="skip")
    own = {"texts": texts, "reading": reading, "special_tokens": "parse"}
    assert calls == [{"run": Path("runs") / name, "minutes": 3.0} | own]


@pytest.mark.parametrize(("word", "value"), [("0", "0.0"), ("nan", "nan"), ("1e9", "1000000000.0"), ("=-1", "-1.0")])
def test_minutes_that_cannot_be_are_refused(
    word: str, value: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flag = [f"--minutes{word}"] if word.startswith("=") else ["--minutes", word]
    assert main(["quickstart", "--run", str(tmp_path / "run"), *flag]) == 2
    assert capsys.readouterr().err == (f"error: --minutes is {value}; it must be above 0 and at most 1440, a day.\n")
    assert not (tmp_path / "run").exists()


def test_words_for_minutes_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["quickstart", "--minutes", "three"]) == 2
    error = capsys.readouterr().err
    assert "--minutes" in error
    assert "'three' is not a number" in error


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("in the way")
    assert main(["quickstart", "--run", str(tmp_path / "file" / "run")]) == 2
    assert capsys.readouterr().err.startswith(f"error: cannot write in {tmp_path / 'file' / 'run'}: Not a directory")


def test_a_signal_is_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def quickstart(*_: object, **__: object) -> None:
        raise Interrupted(2, "stopped by signal 2 after update 3")

    monkeypatch.setattr(recipes, "quickstart", quickstart)
    assert main(["quickstart", "--run", str(tmp_path / "run")]) == 130
    assert capsys.readouterr().err == "stopped by signal 2 after update 3\n"
