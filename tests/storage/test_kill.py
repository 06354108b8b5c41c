"""kill -9 at arbitrary moments of a rewrite, and a real limit on file size: old or new, never a mixture."""

from pathlib import Path

import pytest
from faults import kill_after, start

from gpt25.storage import remove_leftovers, verify_manifest

REWRITE_A_FILE = """
import itertools, sys
from gpt25.storage import write_bytes
for generation in itertools.count():
    write_bytes(sys.argv[1] + "/file", (b"%08d" % generation) * 20_000)
    if generation == 1: print("ready", flush=True)
"""

REWRITE_A_DIRECTORY = """
import itertools, sys
from gpt25.storage import atomic_directory, replace_directory, write_manifest
if sys.argv[2] == "not offered":
    replace_directory._exchange = lambda first, second: False
for generation in itertools.count():
    with atomic_directory(sys.argv[1] + "/directory") as directory:
        for name in "abc":
            (directory / name).write_text(f"{generation:08d}" * 1_000)
        write_manifest(directory)
    if generation == 1: print("ready", flush=True)
"""

LIMITED = """
import resource, sys
from gpt25.errors import DiskFullError
from gpt25.storage import append_json_line, write_bytes
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
for attempt in (lambda: write_bytes(sys.argv[1] + "/file", b"x" * 20_000),
                lambda: append_json_line(sys.argv[1] + "/rows", {"text": "x" * 20_000})):
    try:
        attempt()
    except DiskFullError:
        print("full")
append_json_line(sys.argv[1] + "/rows", {"text": "short"})
"""


def test_a_file_survives_kill_9_whole(tmp_path: Path) -> None:
    for milliseconds in (0, 1, 3, 7, 13, 29):
        kill_after(start(REWRITE_A_FILE, str(tmp_path)), milliseconds)
        content = (tmp_path / "file").read_bytes()
        assert content == content[:8] * 20_000
    remove_leftovers(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("exchange", ["as the system can", "not offered"])
def test_a_directory_survives_kill_9_whole(tmp_path: Path, exchange: str) -> None:
    for milliseconds in (0, 1, 3, 7, 13, 29):
        kill_after(start(REWRITE_A_DIRECTORY, str(tmp_path), exchange), milliseconds)
        remove_leftovers(tmp_path)
        verify_manifest(tmp_path / "directory")
        generations = {(tmp_path / "directory" / name).read_text()[:8] for name in "abc"}
        assert len(generations) == 1
        assert [entry.name for entry in tmp_path.iterdir()] == ["directory"]


def test_no_room_left_leaves_what_was_there(tmp_path: Path) -> None:
    """RLIMIT_FSIZE makes the kernel refuse the bytes for real."""
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "rows").write_bytes(b'{"update": 1}\n')
    process = start(LIMITED, str(tmp_path))
    assert process.communicate(timeout=60)[0].split() == ["full", "full"]
    assert process.returncode == 0
    assert (tmp_path / "file").read_bytes() == b"old"
    assert (tmp_path / "rows").read_bytes() == b'{"update": 1}\n{"text": "short"}\n'
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["file", "rows"]
