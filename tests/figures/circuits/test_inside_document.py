"""The commands and the Python of docs/inside.md run, a small model in place of gpt2 and a run in place of runs/mine."""

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import gpt25
from gpt25.cli.main import main
from gpt25.plots import most_tokens_inside
from gpt25.storage import write_json, write_manifest, write_text
from gpt25.tokenizer import Tokenizer
from gpt25.weights import save_pretrained, write_model_files

if TYPE_CHECKING:
    from conftest import MakeModel

DOCUMENT = Path(__file__).parents[3] / "docs" / "inside.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")
BLOCKS = {language: re.findall(rf"^```{language}\n(.*?)^```", TEXT, flags=re.S | re.M) for language in ("sh", "python")}
LINES = [line for block in BLOCKS["sh"] for line in block.splitlines()]


@pytest.fixture(scope="module")
def places(
    tmp_path_factory: pytest.TempPathFactory, make_model: "MakeModel", byte_tokenizer: Tokenizer
) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("document")
    save_pretrained(make_model(), byte_tokenizer, folder / "gpt2")
    (folder / "run").mkdir()
    write_text(folder / "run" / "run.toml", "")
    for update in (5, 10):
        checkpoint = folder / "run" / "checkpoints" / f"update-{update:06d}"
        checkpoint.mkdir(parents=True)
        write_model_files(make_model(seed=update), byte_tokenizer, checkpoint)
        write_json(checkpoint / "state.json", {"update": update, "metrics": {}})
        write_manifest(checkpoint)
    (folder / "texts.txt").write_text("some text\n", encoding="utf-8")
    return {"gpt2": folder / "gpt2", "runs/mine": folder / "run", "texts.txt": folder / "texts.txt"}


@pytest.mark.parametrize("line", LINES)
def test_a_command_draws_its_picture(line: str, places: dict[str, Path], tmp_path: Path) -> None:
    program, *words = (str(places.get(word, word)) for word in shlex.split(line))
    assert program == "gpt25"
    name = words[-1]
    words[-1] = str(tmp_path / name)
    if "patching" in words:  # the small model says the same after both prompts
        words += ["--answer", "x", "--other", "y"]
    assert main(words) == 0
    assert (tmp_path / name).stat().st_size > 5000


def test_every_picture_of_the_table_is_shown_at_work() -> None:
    named = set(re.findall(r"\| `gpt25 plot ([\w-]+)` \|", TEXT))
    assert len(named) == 7
    assert {shlex.split(line)[2] for line in LINES} == named


def test_the_python_runs(make_model: "MakeModel", byte_tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    (block,) = BLOCKS["python"]
    model = make_model(layers=4)
    monkeypatch.setattr(gpt25, "load_pretrained", lambda _: (model, byte_tokenizer))
    names: dict[str, Any] = {}
    exec(compile(block, str(DOCUMENT), "exec"), names)
    time = len(names["tokens"])
    assert names["found"]["transformer.hidden.0.attention.pattern"].shape == (1, 2, time, time)
    assert names["found"]["transformer.hidden.3.residual_after"].shape == (1, time, 16)
    assert "transformer.hidden.1.attention.mixed" in names["activation_names"](model)


def test_the_names_and_functions_of_the_document_exist(make_model: "MakeModel") -> None:
    from gpt25 import figures, inspection

    known = set(inspection.__all__)
    rows = [row for row in TEXT.splitlines() if row.startswith("|") and "`gpt25 plot" in row]
    for row in rows:
        _, _, _, arrays, drawn, _ = row.split("|")
        assert set(re.findall(r"`(\w+)`", arrays)) <= known, row
        assert set(re.findall(r"`(\w+)`", drawn)) <= set(figures.__all__), row
    activations = {name.split(".", 3)[-1] for name in inspection.activation_names(make_model())}
    shapes = [row for row in TEXT.splitlines() if row.startswith("|") and "(batch" in row]
    named = {name for row in shapes for name in re.findall(r"`([\w.]+)`", row)}
    assert len(named) == 10
    assert named <= activations


def test_the_page_has_room_for_as_many_tokens_as_the_document_says() -> None:
    assert f"({most_tokens_inside(layers=12, heads=12)} of the 124M's)" in " ".join(TEXT.split())
