"""Full disks, closed descriptors and readers that have gone, with the real command in processes of its own."""

import errno
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpt25.cli.main import main
from gpt25.cli.streams.forgiving_stream import ForgivingStream
from gpt25.records import RunDirectory

PATIENCE_SECONDS = 90
FULL = Path("/dev/full")
UPDATES = 4
UNDELIVERED = "error: the result could not be written to standard output"

pytestmark = pytest.mark.skipif(not FULL.exists(), reason="only Linux has a device that is always full")


@pytest.fixture(scope="module")
def run(recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that is done."""
    path = tmp_path_factory.mktemp("done") / "run"
    assert main(["train", str(recipe), "--run", str(path)]) == 0
    return path


def gpt25(*words: object, shell: str) -> subprocess.CompletedProcess[str]:
    """The command behind words of a shell: `shell` holds "$@" and what becomes of its streams."""
    return subprocess.run(
        ["sh", "-c", shell, "sh", sys.executable, "-m", "gpt25", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )


@pytest.mark.parametrize(
    ("shell", "flags", "remark"),
    [
        ('"$@" > /dev/full', ("--json",), "standard output could not be written to (No space left on device)"),
        ('"$@" 2> /dev/full', (), "standard error could not be written to (No space left on device)"),
        ('"$@" <&- >&- 2>&-', (), ""),
        ('{ "$@"; echo "code $?" >&2; } | true', (), "standard output could not be written to (Broken pipe)"),
    ],
)
def test_training_goes_on_saves_and_says_what_was_lost(
    recipe: Path, tmp_path: Path, shell: str, flags: tuple[str, ...], remark: str
) -> None:
    path = tmp_path / "run"
    done = gpt25("train", recipe, "--run", path, *flags, shell=shell)
    assert done.returncode == 0, done.stderr
    assert remark in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "Exception ignored" not in done.stdout + done.stderr
    if "code" in shell:
        assert done.stderr.endswith("code 0\n")
    if remark:
        assert f" {path} is whole.\n" in done.stdout + done.stderr
    run = RunDirectory(path)
    assert [checkpoint.update for checkpoint in run.checkpoints()] == [UPDATES]
    assert run.loss_picture_path.is_file()
    assert run.report_path.is_file()
    summary = run.read_summary()
    assert summary is not None
    assert summary.finished


@pytest.mark.parametrize(
    "words",
    [
        ("show", "RUN", "--json"),
        ("generate", "RUN", "--max-new-tokens", "3"),
        ("--version",),
    ],
)
def test_a_result_that_cannot_be_written_is_one_line_and_exit_code_2(run: Path, words: tuple[str, ...]) -> None:
    given = [run if word == "RUN" else word for word in words]
    done = gpt25(*given, shell='"$@" > /dev/full')
    assert done.returncode == 2
    assert done.stderr == f"{UNDELIVERED}: No space left on device. Send it to another place.\n"


def test_closed_standard_output_is_said_and_no_file_gets_its_number(run: Path) -> None:
    done = gpt25("show", run, shell='"$@" >&-')
    assert done.returncode == 2
    assert done.stderr == f"{UNDELIVERED}: it is closed. Send it to another place.\n"


@pytest.mark.parametrize("words", [("show", "RUN"), ("generate", "RUN", "--samples", "1024")])
def test_a_result_whose_reader_has_gone_ends_quietly(run: Path, words: tuple[str, ...]) -> None:
    # `true` has ended long before Python is there; the 1,024 samples would take minutes.
    given = [run if word == "RUN" else word for word in words]
    assert gpt25(*given, shell='{ "$@"; echo "code $?" >&2; } | true').stderr == "code 141\n"


@pytest.mark.parametrize("words", [("generate", "RUN", "--prompt", "-"), ("tokenizer", "encode", "-")])
def test_closed_standard_input(run: Path, words: tuple[str, ...]) -> None:
    done = gpt25(*[run if word == "RUN" else word for word in words], shell='"$@" <&-')
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        "error: there is no standard input to read: it is closed. Give the text instead of -, or a pipe.\n"
    )


@pytest.mark.parametrize("shell", ['"$@" 2> /dev/full', '"$@" 2>&-'])
def test_an_error_that_nobody_can_read_keeps_its_exit_code(shell: str) -> None:
    done = gpt25("nonsense", shell=shell)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "")


class Failing(io.StringIO):
    """A stream whose disk is full until there is room again."""

    def __init__(self, problems: Iterator[OSError | None]) -> None:
        super().__init__()
        self._problems = problems

    def write(self, text: str) -> int:
        problem = next(self._problems, None)
        if problem is not None:
            raise problem
        return super().write(text)


def test_a_disk_that_has_room_again_is_written_to_again() -> None:
    full = OSError(errno.ENOSPC, "full")
    inner = Failing(iter([None, full, OSError(errno.ENOSPC, "again")]))
    stream = ForgivingStream(inner)
    for word in ("one ", "two ", "three ", "four"):
        assert stream.write(word) == len(word)
    assert inner.getvalue() == "one four"
    assert stream.problem is full


def test_a_reader_that_has_gone_is_not_written_to_again() -> None:
    gone = BrokenPipeError(errno.EPIPE, "gone")
    inner = Failing(iter([gone]))
    stream = ForgivingStream(inner)
    stream.writelines(["one", "two"])
    assert inner.getvalue() == ""
    assert stream.problem is gone


def test_other_faults_of_a_stream_are_raised() -> None:
    with open(os.devnull, "w", encoding="ascii") as ascii_only, pytest.raises(UnicodeEncodeError):
        ForgivingStream(ascii_only).write("é")


def test_streams_are_put_back(capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout, sys.stderr
    assert main(["plan", "gpt2_124m", "--json"]) == 0
    assert (sys.stdout, sys.stderr) == before
    assert json.loads(capsys.readouterr().out)["recipe"] == "gpt2_124m"
