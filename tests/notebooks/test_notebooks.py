"""The notebooks run from top to bottom without a network, and say what they must; their pairs hold what they hold."""

import ast
import functools
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import nbformat
import pytest
import torch
from nbformat import NotebookNode

from gpt25 import GPTConfiguration, GPTModel, Tokenizer, save_pretrained
from gpt25.data import standard_library_documents
from gpt25.recipes import model_at_hand, quickstart

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "notebooks").glob("[0-9]_*.py"))
NAMES = [source.stem for source in SOURCES]
FEWEST_MINUTES = 0.05
EVERY_SO_MANY_DOCUMENTS = 16
MOST_CELLS = 60
MOST_BYTES = 1_000_000
MOST_LINES_OF_A_DEFINITION = 30
ABSOLUTE_PATH = re.compile(r"(?<![\w.~$}/:<-])/(?:home|root|Users|work|mnt|opt|scratch|tmp|usr|var|private|content)/\w")


def load_refresh() -> ModuleType:
    specification = importlib.util.spec_from_file_location("refresh_notebooks", ROOT / "notebooks" / "refresh.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module
    specification.loader.exec_module(module)
    return module


refresh = load_refresh()


@pytest.fixture(scope="session")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the small model that notebooks train where OpenAI's is out of reach, trained for seconds."""
    folder = tmp_path_factory.mktemp("notebooks")
    documents = list(standard_library_documents())[::EVERY_SO_MANY_DOCUMENTS]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        small = functools.partial(quickstart, documents=documents)
        patch.setattr(sys.modules["gpt25.recipes.model_at_hand"], "quickstart", small)
        model_at_hand("runs/lesson", say=lambda _: None, published=None, minutes=FEWEST_MINUTES)
    return folder


@pytest.fixture
def own_jupyter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of Jupyter's is read from, or left in, the home directory; pictures are shown as in a reader's."""
    for variable in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(variable, str(tmp_path / variable.lower()))
    monkeypatch.delenv("MPLBACKEND", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@pytest.fixture(scope="session")
def hub_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of the Hub's that holds `gpt2`: OpenAI's positions and vocabulary, fewer channels, random weights."""
    cache, commit = tmp_path_factory.mktemp("hub"), "0" * 40
    repository = cache / "models--openai-community--gpt2"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(commit, encoding="utf-8")
    (repository / "snapshots").mkdir()
    shape = GPTConfiguration(number_of_layers=2, number_of_heads=4, number_of_embedding_dimensions=256)
    model = GPTModel(shape, generator=torch.Generator().manual_seed(1))
    save_pretrained(model, Tokenizer.gpt2(), repository / "snapshots" / commit)
    return cache


def pair(source: Path) -> NotebookNode:
    return nbformat.read(source.with_suffix(".ipynb"), as_version=4)


def outputs(notebook: NotebookNode) -> list[NotebookNode]:
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def texts(notebook: NotebookNode) -> str:
    """Everything that outputs say in words."""
    said = []
    for output in outputs(notebook):
        said += [output.get("text", "")]
        said += [content for kind, content in output.get("data", {}).items() if kind.startswith("text/")]
    return "\n".join(said)


def prose(source: Path) -> str:
    return "\n".join(cell.source for cell in refresh.converted(source).cells if cell.cell_type == "markdown")


@pytest.mark.parametrize("source", SOURCES, ids=NAMES)
def test_a_notebook_runs_from_top_to_bottom(source: Path, workplace: Path, own_jupyter: None) -> None:
    notebook = refresh.executed(source, workplace)
    assert [output for output in outputs(notebook) if output.output_type == "error"] == []
    assert ABSOLUTE_PATH.findall(texts(notebook)) == []
    kept = pair(source)
    kinds = [
        [[output.output_type for output in cell.get("outputs", [])] != [] for cell in each.cells]
        for each in (notebook, kept)
    ]
    assert kinds[0] == kinds[1], "another cell shows something now: run notebooks/refresh.py"


@pytest.mark.parametrize(
    "source", [source for source in SOURCES if source.name[0] in "137"], ids=lambda each: each.stem
)
def test_a_notebook_shows_openais_model_where_the_cache_has_it(
    source: Path, workplace: Path, hub_cache: Path, own_jupyter: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(hub_cache))
    said = texts(refresh.executed(source, workplace))
    assert "the model is OpenAI's gpt2" in said
    assert "the model is the small GPT-2" not in said


@pytest.mark.parametrize("source", SOURCES, ids=NAMES)
def test_a_notebook_is_kept_as_its_source_says(source: Path) -> None:
    notebook, kept = refresh.converted(source), pair(source)
    assert [(cell.cell_type, cell.source) for cell in kept.cells] == [
        (cell.cell_type, cell.source) for cell in notebook.cells
    ], "run notebooks/refresh.py"
    nbformat.validate(kept)
    counts = [cell.execution_count for cell in kept.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1)), "its cells did not run in order"


@pytest.mark.parametrize("source", SOURCES, ids=NAMES)
def test_kept_outputs_are_small_and_of_no_one_machine(source: Path) -> None:
    kept = pair(source)
    assert source.with_suffix(".ipynb").stat().st_size < MOST_BYTES
    assert outputs(kept)
    assert [output for output in outputs(kept) if output.output_type == "error"] == []
    assert ABSOLUTE_PATH.findall(texts(kept)) == []
    pictures = [output for output in outputs(kept) if "image/png" in output.get("data", {})]
    assert pictures or source.name[0] in "234", "this notebook has pictures"


@pytest.mark.parametrize("source", SOURCES, ids=NAMES)
def test_a_notebook_says_what_it_assumes_and_where_it_runs(source: Path) -> None:
    text = prose(source)
    place = refresh.repository().removeprefix("https://github.com/")
    link = f"https://colab.research.google.com/github/{place}/blob/main/notebooks/{source.stem}.ipynb"
    assert link in text
    assert f"git+{refresh.repository()}" in source.read_text(encoding="utf-8")
    assert "**It assumes**" in text
    assert "](../docs/glossary.md)" in text
    assert "T4" in text.partition("**It assumes**")[0]
    assert text.count("<details>") == text.count("</details>") == text.count("**Exercise") > 1
    assert refresh.with_links(source.read_text(encoding="utf-8")) == source.read_text(encoding="utf-8")


@pytest.mark.parametrize("source", SOURCES, ids=NAMES)
def test_links_of_a_notebook_lead_somewhere(source: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#\s]+)", prose(source)):
        assert (source.parent / target).exists(), target


@pytest.mark.parametrize("source", SOURCES, ids=NAMES)
def test_a_notebook_is_short_and_defines_little(source: Path) -> None:
    assert len(refresh.converted(source).cells) < MOST_CELLS
    tree = ast.parse(source.read_text(encoding="utf-8"))
    definitions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    long = [node.name for node in definitions if node.end_lineno - node.lineno + 1 > MOST_LINES_OF_A_DEFINITION]
    assert long == []
    assert sum(1 for node in tree.body if isinstance(node, ast.ClassDef)) <= (2 if source.name[0] == "2" else 0)
    assert sum(1 for node in tree.body if isinstance(node, ast.FunctionDef)) <= 3


GLOSSARY_OF_THE_LESSON = (
    "ablation attention attribution bits-per-byte block BPE causal channels checkpoint cross-attention decoder "
    "embedding fused GELU gradient greedy HellaSwag induction key-value label LAMBADA logit-lens loss-scale "
    "merge Muon neuron operation optimizer overfitting p-value paired-test patching perplexity precision "
    "protocol residual-stream roughness seed softmax standard-error temperature tensor tied token top-k update "
    "validation-loss vocabulary warm-up"
)


def test_words_of_the_lesson_are_in_the_glossary_which_is_in_order() -> None:
    page = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+) \|", page, flags=re.M)[1:]
    names = [row.lower() for row in rows]
    assert names == sorted(names)
    words = [word.replace("-", " ").lower() for word in GLOSSARY_OF_THE_LESSON.split()]
    assert [word for word in words if not any(word in name.replace("-", " ") for name in names)] == []


def test_there_are_seven_notebooks() -> None:
    assert [name[0] for name in NAMES] == list("1234567")


def test_every_notebook_has_a_line_in_the_page_about_them() -> None:
    page = (ROOT / "docs" / "notebooks.md").read_text(encoding="utf-8")
    assert [name for name in NAMES if f"(../notebooks/{name}.ipynb)" not in page] == []


@pytest.fixture
def kept_pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The source of a notebook that has run and shows 2, in a folder of its own beside a pyproject.toml."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "pyproject.toml").write_text('[project.urls]\nRepository = "https://github.com/someone/gpt25"\n')
    monkeypatch.setattr(refresh, "FOLDER", tmp_path / "notebooks")
    source = tmp_path / "notebooks" / "1_small.py"
    source.write_text(SMALL, encoding="utf-8")
    made = refresh.converted(source)
    made.cells[1].outputs = [nbformat.v4.new_output("stream", text="2")]
    made.cells[1].execution_count = 1
    nbformat.write(made, source.with_suffix(".ipynb"))
    monkeypatch.setattr(refresh, "executed", lambda *_: pytest.fail("a notebook was run"))
    return source


SMALL = """# %% [markdown]
# words, https://colab.research.google.com/github/OWNER/gpt25/blob/main/notebooks/1_small.ipynb

# %%
"git+https://github.com/OWNER/gpt25"
1 + 1  # is easy
"""


@pytest.mark.parametrize(
    ("word", "another"), [("words", "other words"), ("  # is easy", "  # is two"), ("1 + 1", "(1 +\n    1)")]
)
def test_words_and_comments_change_without_running(kept_pair: Path, word: str, another: str) -> None:
    kept_pair.write_text(SMALL.replace(word, another), encoding="utf-8")
    refresh.main(["--keep", "1"])
    assert [cell.source for cell in pair(kept_pair).cells] == [
        cell.source for cell in refresh.converted(kept_pair).cells
    ]
    assert pair(kept_pair).cells[1].outputs[0].text == "2"


def test_code_does_not_change_without_running(kept_pair: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept_pair.write_text(SMALL.replace("1 + 1", "1 + 2"), encoding="utf-8")
    with pytest.raises(ValueError, match="has changed since it ran"):
        refresh.with_kept_outputs(kept_pair)
    with pytest.raises(SystemExit) as end:
        refresh.main(["--keep"])
    assert end.value.code == 2
    assert "error: code of 1_small.py has changed since it ran" in capsys.readouterr().err


def test_the_repository_s_address_is_written_into_links_without_running(kept_pair: Path) -> None:
    refresh.main(["--links"])
    text = kept_pair.read_text(encoding="utf-8")
    assert "OWNER" not in text
    assert text.count("github.com/someone/gpt25") + text.count("/github/someone/gpt25/") == 2
    assert pair(kept_pair).cells[1].outputs[0].text == "2"
    assert "someone" in pair(kept_pair).cells[0].source


@pytest.mark.parametrize("words", [["--hlep"], ["--kee"], ["two"], ["9"], ["--keep", "1", "x"]])
def test_a_wrong_word_refreshes_nothing(words: list[str], kept_pair: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = kept_pair.with_suffix(".ipynb").read_bytes()
    kept_pair.write_text(SMALL.replace("words", "other words"), encoding="utf-8")
    with pytest.raises(SystemExit) as end:
        refresh.main(words)
    assert end.value.code == 2
    assert "error: " in capsys.readouterr().err
    assert kept_pair.with_suffix(".ipynb").read_bytes() == before


def test_help_only_helps(kept_pair: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        refresh.main(["--help"])
    assert end.value.code == 0
    said = capsys.readouterr().out
    assert "--keep" in said
    assert "python notebooks/refresh.py --keep 3" in said
