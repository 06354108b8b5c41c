"""generate --prompts: many prompts, a JSON line each, and a run that died goes on."""

import json
import shutil
from pathlib import Path

import pytest

from gpt25.cli.main import main
from gpt25.generation import TextGenerator
from gpt25.storage import exclusive_lock
from gpt25.weights import load_pretrained

PROMPTS = ["Hello", "def f", "Hello", "a longer prompt than the others", "x"]


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    path = tmp_path / "prompts.jsonl"
    path.write_text("".join(json.dumps({"prompt": prompt, "topic": 3}) + "\n" for prompt in PROMPTS))
    return path


def words(model_directory: Path, *more: object) -> list[str]:
    return ["generate", str(model_directory), "--max-new-tokens", "6", "--seed", "5", *map(str, more)]


def rows_of(path: Path) -> dict[int, dict]:
    return {row["index"]: row for row in map(json.loads, path.read_text().splitlines())}


def test_every_prompt_gets_the_texts_of_its_own_seed(
    model_directory: Path, prompts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "texts.jsonl"
    assert main(words(model_directory, "--prompts", prompts, "--output", output, "--samples", 2, "--json")) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["prompts"], said["already_there"], said["seed"]) == (5, 0, 5)
    rows = rows_of(output)
    generator = TextGenerator(*load_pretrained(model_directory))
    for index, prompt in enumerate(PROMPTS):
        expected = generator.generate(prompt, samples=2, max_new_tokens=6, seed=5 + index)
        assert [sample["text"] for sample in rows[index]["samples"]] == [sample.text for sample in expected]
        assert (rows[index]["prompt"], rows[index]["seed"]) == (prompt, 5 + index)
    assert rows[0]["samples"] != rows[2]["samples"], "the same prompt twice is not the same text twice"


def test_a_run_that_died_goes_on_where_it_was(model_directory: Path, prompts: Path, tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole.jsonl", tmp_path / "cut.jsonl"
    assert main(words(model_directory, "--prompts", prompts, "--output", whole)) == 0
    lines = whole.read_text().splitlines(keepends=True)
    cut.write_text("".join(lines[:2]) + lines[2][:10])
    assert main(words(model_directory, "--prompts", prompts, "--output", cut)) == 0
    assert rows_of(cut) == rows_of(whole)
    assert len(cut.read_text().splitlines()) == 5


def test_without_a_seed_it_goes_on_with_the_seed_that_the_file_has(
    model_directory: Path, prompts: Path, tmp_path: Path
) -> None:
    output = tmp_path / "texts.jsonl"
    without = [
        word for word in words(model_directory, "--prompts", prompts, "--output", output) if word not in ("--seed", "5")
    ]
    assert main(without) == 0
    lines = output.read_text().splitlines(keepends=True)
    output.write_text(lines[0])
    assert main(without) == 0
    assert len({row["seed"] - index for index, row in rows_of(output).items()}) == 1


def test_plain_lines_are_prompts_and_lines_without_output_are_printed(
    model_directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "prompts.txt"
    path.write_text("one\n\ntwo\n")
    assert main(words(model_directory, "--prompts", path)) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sorted(row["prompt"] for row in rows) == ["one", "two"]


@pytest.mark.parametrize(
    ("content", "flags", "complaint"),
    [
        ('{"text": "x"}\n', [], 'prompt 1 is no text: each line is a string, or an object with "prompt"'),
        ("\n \n", [], "holds no prompt"),
        ('"fine"\n{', [], "prompt 2"),
        (json.dumps("word " * 2000), [], "prompt 1 of 1: the prompt has"),
        ('"x"', ["--prompt", "y"], "--prompt and --prompts are both given"),
    ],
)
def test_bad_prompts_are_refused(
    model_directory: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: str,
    flags: list[str],
    complaint: str,
) -> None:
    path = tmp_path / "prompts.jsonl"
    path.write_text(content)
    assert main(words(model_directory, "--prompts", path, *flags)) == 2
    assert complaint in capsys.readouterr().err.replace("\n", " ")


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--temperature", "0.5"], "drawn with other settings"),
        (["--samples", "2"], "drawn with other settings"),
        (["--precision", "int8"], "texts with the precision float32, and this run has int8"),
        (["--special-tokens", "parse"], "texts with the special tokens text, and this run has parse"),
        (["--seed", "6"], "texts of the seed 5, and --seed is 6"),
    ],
)
def test_a_file_of_another_run_is_left_alone(
    model_directory: Path,
    prompts: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    flags: list[str],
    complaint: str,
) -> None:
    output = tmp_path / "texts.jsonl"
    flags_before = ["--precision", "float32"]
    assert main(words(model_directory, "--prompts", prompts, "--output", output, *flags_before)) == 0
    before = output.read_text()
    assert main(words(model_directory, "--prompts", prompts, "--output", output, *flags_before, *flags)) == 2
    assert complaint in capsys.readouterr().err.replace("\n", " ")
    assert output.read_text() == before


def test_texts_of_another_model_are_left_alone(
    model_directory: Path, prompts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output, other = tmp_path / "texts.jsonl", tmp_path / "other"
    shutil.copytree(model_directory, other)
    assert main(words(model_directory, "--prompts", prompts, "--output", output)) == 0
    assert main(words(other, "--prompts", prompts, "--output", output)) == 2
    complaint = f"texts with the model {model_directory}, and this run has {other}"
    assert complaint.replace(" ", "") in "".join(capsys.readouterr().err.split())


def test_two_runs_never_write_into_one_file(
    model_directory: Path, prompts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "texts.jsonl"
    with exclusive_lock(output, of="it", advice="", content="its own"):
        assert main(words(model_directory, "--prompts", prompts, "--output", output)) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "is in use by another process. Wait until that is done, or choose another --output." in said
    assert output.read_text() == ""
    assert main(words(model_directory, "--prompts", prompts, "--output", output)) == 0
    assert len(rows_of(output)) == len(PROMPTS)


def test_a_link_is_refused_before_any_text_is_written(
    model_directory: Path, prompts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    link = tmp_path / "link.jsonl"
    link.symlink_to(tmp_path / "elsewhere.jsonl")
    assert main(words(model_directory, "--prompts", prompts, "--output", link)) == 2
    assert "is a link, and nothing is written through it; name the file itself" in capsys.readouterr().err.replace(
        "\n", " "
    )


def test_output_alone_is_refused(model_directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words(model_directory, "--prompt", "x", "--output", "y")) == 2
    assert "--output is for the lines of --prompts" in capsys.readouterr().err
