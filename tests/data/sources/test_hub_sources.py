import json
import sys
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

from gpt25.data import prepare, read_documents
from gpt25.data.sources.hub_address import HubAddress
from gpt25.errors import DataError
from gpt25.tokenizer import Tokenizer

sys.path.insert(0, str(Path(__file__).parents[1]))
from hub_stand_in import Hub, hub

sys.path.pop(0)

WORDS = ("--tokenizer", "gpt2", "--processes", 1, "--json")
# Prepares argv[1] in argv[2]; dies at the chunk argv[3]; prints how many files lay there at the most.
PREPARATION = """
import json, os, signal, sys
from importlib import import_module
from pathlib import Path
from gpt25.data import prepare, read_documents
from gpt25.tokenizer import Tokenizer
import_module("gpt25.data.preparation.chunks").CHUNK_BYTES = 4000
out, most, calls = Path(sys.argv[2]), 0, 0
def progress(size):
    global most, calls
    calls += 1
    most = max(most, len(list(out.glob(".partial/downloads/sample/*/*.parquet"))))
    if calls == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
prepare(read_documents([sys.argv[1]]), Tokenizer.gpt2(), out, number_of_processes=1, progress=progress)
print(json.dumps([most, calls]))
"""


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    """FineWeb's sample as it lies on the Hub, but small: four files of several row groups."""
    folder = tmp_path / "hub" / "HuggingFaceFW" / "fineweb-edu" / "sample" / "10BT"
    folder.mkdir(parents=True)
    for number in range(4):
        texts = [f"file {number}, document {row}: a text of some length. " * 8 for row in range(100)]
        parquet.write_table(
            pyarrow.table({"text": texts, "id": list(range(100))}),
            folder / f"00{number}_00000.parquet",
            row_group_size=9,
        )
    (folder / "README.md").write_text("no data")
    return tmp_path / "hub"


@pytest.fixture
def served(sets: Path, tmp_path: Path):  # type: ignore[no-untyped-def]
    with hub(sets, tmp_path / "home") as it:
        yield it


ADDRESS = "hf://datasets/HuggingFaceFW/fineweb-edu/sample/10BT/*.parquet"
NAMES = [f"00{number}_00000.parquet" for number in range(4)]


def local(sets: Path, tmp_path: Path, **words: float) -> dict:
    """What a preparation of the same files on the disk gives."""
    files = f"{sets}/HuggingFaceFW/fineweb-edu/sample/10BT/*.parquet"
    data = prepare(read_documents([files]), Tokenizer.gpt2(), tmp_path / "local", **words)
    return json.loads(json.dumps(data.as_json()))  # tuples as lists


def test_files_are_fetched_once_two_at_a_time_and_a_kill_costs_only_the_file_at_hand(
    served: Hub, sets: Path, tmp_path: Path
) -> None:
    killed = served.run(PREPARATION, ADDRESS, tmp_path / "out", 25)  # in the third file
    assert killed.returncode == -9, killed.stderr
    done = served.run(PREPARATION, ADDRESS, tmp_path / "out", -1)
    assert done.returncode == 0, done.stderr
    most, calls = json.loads(done.stdout)
    assert most <= 2
    assert calls < 30
    fetched = served.downloads()
    assert set(fetched) == set(NAMES)
    assert [fetched.count(name) for name in NAMES[:2]] == [1, 1]
    index = json.loads((tmp_path / "out" / "index.json").read_text())
    expected = local(sets, tmp_path)
    for name in ("train", "validation", "counts"):
        assert index[name] == expected[name]
    assert index["sources"] == [ADDRESS]
    assert sorted(path.name for path in (tmp_path / "out").iterdir() if path.suffix != ".bin") == [
        "index.json",
        "tokenizer",
    ]
    before = len(served.downloads())
    assert served.run(PREPARATION, ADDRESS, tmp_path / "out", -1).returncode == 0  # finished: listed, not fetched
    assert len(served.downloads()) == before


def test_the_command_knows_the_set_its_parts_and_its_validation_shard(served: Hub, sets: Path, tmp_path: Path) -> None:
    prepare_words = ("data", "prepare", "fineweb-edu", *WORDS, "--output", tmp_path / "out")
    refused = served.gpt25(*prepare_words)
    assert refused.returncode == 2
    assert "and the first 100,000,000 were to be held out" in refused.stderr
    for number in (1, 2, 3):
        part = ("--validation-tokens", 500, "--part", f"{number}/3")
        done = served.gpt25(*prepare_words[:-1], tmp_path / "parts", *part)
        assert done.returncode == 0, done.stderr
    verified = served.gpt25("data", "verify", tmp_path / "parts", "--json")
    expected = local(sets, tmp_path, validation_tokens=500)
    assert json.loads(verified.stdout)["tokens"] == expected["train"]["tokens"] + 500
    shown = json.loads(served.gpt25("data", "show", tmp_path / "parts", "--json").stdout)
    assert shown["validation"]["tokens"] == 500
    assert shown["train"]["documents"] == expected["train"]["documents"]
    part = json.loads(served.gpt25("data", "show", tmp_path / "parts" / "part-00002-of-00003", "--json").stdout)
    assert (part["part"]["number"], part["validation"]["tokens"]) == (2, 0)


def test_a_part_fetches_only_the_files_that_it_touches(served: Hub, tmp_path: Path) -> None:
    words = ("data", "prepare", ADDRESS, *WORDS, "--output", tmp_path / "out", "--part", "4/4")
    # Of a set as small as this one, whether its documents are few is counted first, unless none is held out.
    assert served.gpt25(*words, "--validation-fraction", 0).returncode == 0
    assert set(served.downloads()) <= set(NAMES[2:])


def test_what_is_wrong_is_told_in_a_line(served: Hub, sets: Path, tmp_path: Path) -> None:
    def refused(*words: object) -> str:
        done = served.gpt25("data", "prepare", *words, *WORDS, "--output", tmp_path / "out")
        assert done.returncode == 2, done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr

    absent = refused("hf://datasets/some/absent/*.parquet")
    assert "cannot list *.parquet of the data set some/absent: there is no such repository" in absent
    folder = refused("hf://datasets/HuggingFaceFW/fineweb-edu/absent/*")
    assert "the repository has no such file, so the folder is not there; check the path" in folder
    nothing = refused("hf://datasets/HuggingFaceFW/fineweb-edu/sample/*.jsonl")
    assert "no file of the data set HuggingFaceFW/fineweb-edu on the Hub matches sample/*.jsonl" in nothing
    (sets / "HuggingFaceFW/fineweb-edu/sample/10BT/000_00000.parquet.lies").write_text("f" * 64)
    assert "came with SHA-256 " in refused(ADDRESS)
    assert not list((tmp_path / "out").glob(".partial/downloads/sample/*/000_00000.parquet"))
    both = refused(ADDRESS, "--validation-tokens", 5, "--validation-fraction", 0.5)
    assert both == "error: give --validation-fraction or --validation-tokens, not both\n"


def test_addresses_are_read_and_broken_ones_refused() -> None:
    assert HubAddress.parse("fineweb-edu") == HubAddress("HuggingFaceFW/fineweb-edu", "main", "sample/10BT/*.parquet")
    revision = HubAddress.parse("hf://datasets/a/b@refs%2Fconvert%2Fparquet/c/d.parquet")
    assert revision == HubAddress("a/b", "refs/convert/parquet", "c/d.parquet")
    assert HubAddress.parse("some/folder") is None
    for word in ("hf://a/b/c", "hf://datasets/a/b", "hf://datasets/a b/c/d"):
        with pytest.raises(DataError, match="is no address of files on the Hub; one has the form hf://datasets/"):
            read_documents([word])


def test_few_documents_on_the_hub_are_held_out_by_their_ends_as_they_are_here(
    served: Hub, sets: Path, tmp_path: Path
) -> None:
    folder = sets / "HuggingFaceFW" / "fineweb-edu" / "sample" / "10BT"
    for number in (1, 2, 3):
        (folder / f"00{number}_00000.parquet").unlink()
    done = served.run(PREPARATION, ADDRESS, tmp_path / "out", -1)
    assert done.returncode == 0, done.stderr
    index = json.loads((tmp_path / "out" / "index.json").read_text())
    here = local(sets, tmp_path)
    assert index["split_rule"] == here["split_rule"] == "position"
    assert (index["train"], index["validation"]) == (here["train"], here["validation"])
    assert index["validation"]["documents"] == 100
