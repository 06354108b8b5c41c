import json
import re
from pathlib import Path

import pytest

from gpt25.cli.main import main

TEXT = "the quick brown fox jumps over the lazy dog\n" * 500


@pytest.fixture
def text(tmp_path: Path) -> Path:
    (tmp_path / "text.txt").write_text(TEXT)
    return tmp_path / "text.txt"


def answer(capsys: pytest.CaptureFixture[str], *words: object) -> dict:
    assert main(["data", *map(str, words), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    capsys.readouterr()
    assert main(["data", *map(str, words)]) == 2
    return capsys.readouterr().err


def test_prepare_show_and_verify_answer_with_one_json_object_each(
    tmp_path: Path, text: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "shards"
    prepared = answer(capsys, "prepare", text, "--tokenizer", "gpt2", "--output", out)
    assert prepared["tokenizer_name"] == "gpt2"
    assert prepared["train"]["bytes"] + prepared["validation"]["bytes"] == len(TEXT)
    assert prepared["train"]["shards"][0]["file"] == "train-000000.bin"
    shown = answer(capsys, "show", out)
    assert shown.pop("first_tokens").startswith("<|endoftext|>the quick brown fox")
    assert shown == prepared
    verified = answer(capsys, "verify", out)
    assert verified["verified"] is True
    assert verified["tokens"] == prepared["train"]["tokens"] + prepared["validation"]["tokens"]


def test_without_json_there_are_a_table_and_notes(
    tmp_path: Path, text: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "shards"
    assert main(["data", "prepare", str(text), "--tokenizer", "gpt2", "--output", str(out)]) == 0
    printed = capsys.readouterr()
    assert "encoding: 22,000 bytes" in printed.err
    lines = printed.out.splitlines()
    assert lines[0] == f"{out}, tokenizer gpt2"
    assert lines[1].split("  ")[0] == "split"
    assert [line.split()[0] for line in lines[2:4]] == ["train", "validation"]
    assert lines[2].split()[-2:] == ["4.40", "1"]
    assert lines[4] == "the end of every document is the validation split"
    assert main(["data", "show", str(out)]) == 0
    assert "first tokens: '<|endoftext|>the quick brown fox" in capsys.readouterr().out
    assert main(["data", "verify", str(out)]) == 0
    assert "2 shards, 5,002 tokens, all as their index says" in capsys.readouterr().out


def test_every_flag_reaches_the_preparation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = tmp_path / "lines.jsonl"
    lines.write_bytes(b'{"body": "one two three"}\n{"body": "f\xffur"}\n{"body": ""}\n{"body": "six seven"}\n')
    words = ["prepare", lines, lines.parent / "lines*", "--tokenizer", "gpt2", "--output", tmp_path / "out"]
    flags = ["--field", "body", "--validation-fraction", 0, "--processes", 1, "--tokens-per-shard", 4]
    prepared = answer(capsys, *words, *flags, "--invalid-utf8", "skip")
    assert prepared["counts"] == {"replaced": 0, "skipped": 1, "empty": 1, "byte_order_marks": 0}
    assert [shard["tokens"] for shard in prepared["train"]["shards"]] == [4, 3]
    assert prepared["validation"]["tokens"] == 0
    assert main(["data", "show", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "1 document skipped as unreadable" in printed
    assert "1 empty document left out" in printed
    assert "there is no text in the validation split; another fraction would change that" in printed


def test_separators_of_a_corpus_are_noticed_parsed_or_end_its_documents(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.txt").write_text("One.\n<|endoftext|>\nTwo.\n<|endoftext|>\nThree. And more of it\n")
    words = ["prepare", tmp_path / "a.txt", "--tokenizer", "gpt2", "--validation-fraction", 0, "--output"]
    assert main(["data", *map(str, words), str(tmp_path / "text"), "--json"]) == 0
    printed = capsys.readouterr()
    assert "the text holds names of special tokens 2 times, read as text like any other" in printed.err
    text = json.loads(printed.out)
    assert (text["special_token_names"], "special_tokens" in text) == (2, False)
    parsed = answer(capsys, *words, tmp_path / "parsed", "--special-tokens", "parse")
    assert parsed["train"]["documents"] == 3
    assert parsed["train"]["bytes"] == text["train"]["bytes"] - 2 * len("<|endoftext|>")
    assert parsed["train"]["tokens"] < text["train"]["tokens"]
    separated = answer(capsys, *words, tmp_path / "separated", "--document-separator", "<|endoftext|>")
    assert separated["train"]["documents"] == 3
    assert separated["train"]["bytes"] == len("One.\nTwo.\nThree. And more of it\n")
    assert "special_token_names" not in separated
    assert main(["data", *map(str, words), str(tmp_path / "parsed")]) == 2
    assert "was prepared with special_tokens parse, not text" in capsys.readouterr().err


def test_files_beside_a_set_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "README.md").write_text("A card.")
    (tmp_path / "set" / "a.jsonl").write_text('{"text": "one two"}\n' * 3)
    words = ["prepare", str(tmp_path / "set"), "--tokenizer", "gpt2", "--output", str(tmp_path / "out")]
    assert main(["data", *words, "--validation-fraction", "0"]) == 0
    printed = capsys.readouterr()
    assert "1 file beside the set is no document of it and was left out" in printed.err
    assert "README.md" in printed.err


def test_a_truncated_shard_is_named(tmp_path: Path, text: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "shards"
    answer(capsys, "prepare", text, "--tokenizer", "gpt2", "--output", out)
    shard = out / "train-000000.bin"
    shard.write_bytes(shard.read_bytes()[:-2])
    assert "train-000000.bin" in refused(capsys, "verify", out)
    assert "train-000000.bin" in refused(capsys, "show", out)


def test_what_is_wrong_is_told_in_a_line(tmp_path: Path, text: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = ("--output", tmp_path / "out")
    assert "absent.txt" in refused(capsys, "prepare", tmp_path / "absent.txt", "--tokenizer", "gpt2", *out)
    assert "no source was named" in refused(capsys, "prepare", "--tokenizer", "gpt2", *out)
    assert "absent" in refused(capsys, "prepare", text, "--tokenizer", tmp_path / "absent", *out)
    fraction = refused(capsys, "prepare", text, "--tokenizer", "gpt2", *out, "--validation-fraction", 2)
    assert fraction == "error: --validation-fraction must lie between 0 and 1, not 2.0\n"
    assert "did you mean --field" in refused(capsys, "prepare", text, "--tokenizer", "gpt2", *out, "--feild", "x")
    assert "no index.json" in refused(capsys, "show", tmp_path)
    assert not (tmp_path / "out").exists()


def test_shards_that_would_be_thousands_of_files_are_refused_with_their_number(
    text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["data", "prepare", str(text), "--tokenizer", "gpt2", "--output", str(tmp_path / "out"), "--processes", "1"]
    assert main([*words, "--tokens-per-shard", "1"]) == 2
    error = capsys.readouterr().err
    found = re.search(r"--tokens-per-shard 1 would cut ([\d,]+) tokens into ([\d,]+) files; at most 1,000", error)
    assert found is not None
    assert found[1] == found[2]
    least = re.search(r"at least --tokens-per-shard (\d+);", error)
    assert least is not None
    assert main([*words, "--tokens-per-shard", least[1]]) == 0


def test_a_source_is_not_the_output_and_an_output_in_it_is_no_source(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "a.txt").write_text(TEXT)
    words = ["data", "prepare", str(folder), "--tokenizer", "gpt2", "--output"]
    assert main([*words, str(folder)]) == 2
    assert "is both the source and the output" in capsys.readouterr().err
    first = answer(capsys, *words[1:], folder / "out")
    assert answer(capsys, *words[1:], folder / "out") == first


@pytest.mark.parametrize("content", ["{", "[]", '{"format": 3}', '{"format": "gpt25 token shards", "version": 9}'])
def test_a_damaged_index_says_what_to_do(content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "index.json").write_text(content)
    assert main(["data", "show", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.endswith(". Prepare the data again in another directory, or fetch it again.\n")
    assert "NoneType" not in error


def test_tables_pages_and_notebooks_become_tokens_side_by_side(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "a.csv").write_text('id;body\n1;"one; two"\n2;three\n')
    (folder / "b.html").write_text("<title>no</title><p>four")
    (folder / "c.ipynb").write_text('{"cells": [{"source": "five"}]}')
    (folder / "d.md").write_bytes("# sechs fünf zwölf größer".encode("cp1252"))
    (folder / "e.png").write_bytes(b"\x89PNG")
    words = ("prepare", folder, "--tokenizer", "gpt2", "--output", tmp_path / "out", "--validation-fraction", 0)
    found = answer(capsys, *words, "--field", "body", "--encoding", "cp1252")
    assert found["train"]["documents"] == 5
    text = answer(capsys, "show", tmp_path / "out")["first_tokens"]
    mark = "<|endoftext|>"
    assert text == f"{mark}one; two{mark}three{mark}four\n{mark}five\n{mark}# sechs fünf zwölf größer"
