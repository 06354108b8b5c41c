import os
import signal
import subprocess
import sys
import time
from multiprocessing import active_children
from pathlib import Path

import numpy as np
import pytest

import gpt25
from gpt25.data import Document, PreparedData, prepare
from gpt25.data.preparation import chunks as chunks_module
from gpt25.data.preparation import encoding
from gpt25.errors import DataError
from gpt25.tokenizer import Tokenizer


def contents(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


@pytest.mark.parametrize("slice_characters", [1, 7, 100, 1_000_000])
def test_a_long_document_in_slices_has_the_tokens_of_the_whole(
    slice_characters: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoding, "_SLICE_CHARACTERS", slice_characters)
    tokenizer = Tokenizer.gpt2()
    text = "Don't stop  now,\n\n  it's 3 o'clock \t a  b\r\n x 🙂 y é z1 2w" + " " * 30 + "end of it \n"
    for whole in (text * 5, "nospaceatall" * 50, " ", "a", "a b", text + "\0 \x1c q"):
        ids = np.concatenate(list(encoding.encode_document(whole.encode(), tokenizer)))
        assert ids.tolist() == [tokenizer.end_of_text_id, *tokenizer.encode(whole)]


def test_several_processes_make_the_same_bytes_and_a_small_input_starts_none(
    tmp_path: Path, tokenizer: Tokenizer, documents: list[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(encoding, "ProcessPoolExecutor", None)  # starting processes would fail
        prepare(documents, tokenizer, tmp_path / "one", number_of_processes=4)
    monkeypatch.setattr(chunks_module, "CHUNK_BYTES", 4096)
    workers: set[int | None] = set()

    def progress(_: int) -> None:
        workers.update(child.pid for child in active_children())

    prepare(documents, tokenizer, tmp_path / "two", number_of_processes=2, progress=progress)
    assert len(workers) == 2
    assert contents(tmp_path / "two") == contents(tmp_path / "one")
    assert not active_children()


def test_a_worker_that_is_killed_is_told_and_the_next_call_goes_on(
    tmp_path: Path, tokenizer: Tokenizer, documents: list[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks_module, "CHUNK_BYTES", 2048)

    def kill_all(_: int) -> None:
        for child in active_children():
            child.kill()

    with pytest.raises(
        DataError, match=r"a worker process died while encoding .* 2 processes\)\. Finished chunks are kept"
    ):
        prepare(documents, tokenizer, tmp_path / "out", number_of_processes=2, progress=kill_all)
    assert not active_children()
    assert list((tmp_path / "out" / ".partial").iterdir())
    prepare(documents, tokenizer, tmp_path / "out", number_of_processes=1)
    prepare(documents, tokenizer, tmp_path / "reference", number_of_processes=1)
    assert contents(tmp_path / "out") == contents(tmp_path / "reference")


# A preparation in workers that prints a line for every finished chunk, beginning with its workers' process ids.
PREPARATION = """
import signal, sys, time
from multiprocessing import active_children
from pathlib import Path
from gpt25.data import Document, prepare
from gpt25.tokenizer import Tokenizer

def progress(size):
    print(*(child.pid for child in active_children()), flush=True)
    time.sleep(0.02)

def main():
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a suite in the background was started with it ignored
    from importlib import import_module
    import_module("gpt25.data.preparation.chunks").CHUNK_BYTES = 2000
    documents = [Document("", (f"document {number} " * 50).encode()) for number in range(100)]
    processes = int(sys.argv[3])
    prepare(documents, Tokenizer.load(sys.argv[1]), sys.argv[2], number_of_processes=processes, progress=progress)

if __name__ == "__main__":
    main()
"""


@pytest.fixture
def preparation(tmp_path: Path, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The words that start the preparation above, without its output directory and number of processes."""
    tokenizer.save(tmp_path / "tokenizer")
    (tmp_path / "preparation.py").write_text(PREPARATION)
    monkeypatch.setenv("PYTHONPATH", str(Path(gpt25.__file__).parents[1]))  # a script sees its own folder only
    return [sys.executable, str(tmp_path / "preparation.py"), str(tmp_path / "tokenizer")]


def is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
        # A dead child of nobody stays a zombie where process 1 does not collect it, as in some containers.
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def wait_until_gone(process_ids: list[int]) -> None:
    deadline = time.monotonic() + 20
    while any(is_alive(process_id) for process_id in process_ids):
        assert time.monotonic() < deadline, "workers outlived their parent"
        time.sleep(0.01)


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGKILL])
def test_a_signal_leaves_no_workers_behind_and_the_next_call_goes_on(
    tmp_path: Path, preparation: list[str], signal_number: signal.Signals
) -> None:
    words = [*preparation, str(tmp_path / "out"), "2"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        workers = [[int(word) for word in process.stdout.readline().split()] for _ in range(3)][-1]
        process.send_signal(signal_number)
        process.communicate(timeout=60)  # workers that live on would hold the pipes open
    assert process.returncode == -signal_number
    assert workers
    wait_until_gone(workers)
    assert len(list((tmp_path / "out" / ".partial").glob("chunk-*"))) >= 3
    assert not (tmp_path / "out" / "index.json").exists()
    subprocess.run([*preparation, str(tmp_path / "out"), "1"], check=True, capture_output=True)
    subprocess.run([*preparation, str(tmp_path / "reference"), "1"], check=True, capture_output=True)
    assert contents(tmp_path / "out") == contents(tmp_path / "reference")


# Kills a copy of itself with -9 at the k-th request to the disk, for every k, sometimes twice in a row, then finishes.
KILLED_EVERYWHERE = """
import os, shutil, signal, sys
from importlib import import_module
from pathlib import Path
from gpt25.data import Document, prepare
from gpt25.tokenizer import Tokenizer

import_module("gpt25.data.preparation.chunks").CHUNK_BYTES = 4000
os.fsync = lambda descriptor: None  # a killed process needs none, and hundreds of them would take long
tokenizer = Tokenizer.load(sys.argv[1])
documents = [Document("", (f"document {number} " * 50).encode()) for number in range(16)]

def contents(directory):
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}

def run(directory):
    prepare(documents, tokenizer, directory, number_of_processes=1, validation_fraction=0.3, tokens_per_shard=2500)

def run_until_killed(directory, requests):
    left = [requests]
    def counted(function):
        def call(*arguments, **options):
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **options)
        return call
    child = os.fork()
    if child == 0:
        for name in ("fsync", "replace", "rename", "unlink", "rmdir"):
            setattr(os, name, counted(getattr(os, name)))
        run(directory)
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])

root = Path(sys.argv[2])
run(root / "reference")
requests, unfinished = 0, 0
while run_until_killed(root / "out", requests):
    unfinished += not (root / "out" / "index.json").exists()
    if requests % 3 == 0:
        run_until_killed(root / "out", requests // 2)
    run(root / "out")
    out, reference = contents(root / "out"), contents(root / "reference")
    different = sorted(name for name in out.keys() | reference.keys() if out.get(name) != reference.get(name))
    assert not different, f"{different} differ after a kill at request {requests}"
    shutil.rmtree(root / "out")
    requests += 1
print(requests, unfinished)
"""


def test_a_kill_at_any_request_to_the_disk_changes_nothing_in_the_end(tmp_path: Path, tokenizer: Tokenizer) -> None:
    tokenizer.save(tmp_path / "tokenizer")
    words = [sys.executable, "-c", KILLED_EVERYWHERE, str(tmp_path / "tokenizer"), str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    requests, unfinished = map(int, done.stdout.split())
    assert requests > 20
    assert unfinished > 15


def test_what_a_kill_after_the_index_left_is_removed(
    tmp_path: Path, tokenizer: Tokenizer, documents: list[Document]
) -> None:
    data = prepare(documents, tokenizer, tmp_path / "out")
    (tmp_path / "out" / ".partial").mkdir()
    (tmp_path / "out" / ".partial" / "chunk-000000").write_bytes(b"x")
    assert prepare(documents, tokenizer, tmp_path / "out") == data == PreparedData.read(tmp_path / "out")
    assert not (tmp_path / "out" / ".partial").exists()
