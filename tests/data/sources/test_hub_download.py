from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest

from gpt25.data.sources.hub_download import HubFetcher, download_hub_file
from gpt25.data.sources.hub_listing import HubFile
from gpt25.errors import DataError

CONTENT = b"abc"
SHA256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def hub_file(name: str = "a.parquet", *, size: int = 3, sha256: str | None = SHA256) -> HubFile:
    return HubFile("some/set", "commit", name, size, sha256, "blob")


class RequestTimeoutError(Exception):
    """What an HTTP library might raise."""


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[Exception | bytes]:
    """What the client does at each call: raise, or write the file."""
    import huggingface_hub

    left: list[Exception | bytes] = []

    def hf_hub_download(_repository: str, name: str, *, local_dir: Path, **_: object) -> str:
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        (local_dir / name).write_bytes(answer)
        return str(local_dir / name)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", hf_hub_download)
    return left


def with_status(status: int) -> Exception:
    problem = RuntimeError("no")
    problem.response = type("Response", (), {"status_code": status})()  # type: ignore[attr-defined]
    return problem


def test_what_may_pass_is_tried_again(tmp_path: Path, answers: list[Exception | bytes]) -> None:
    answers += [RequestTimeoutError("slow"), ConnectionResetError(104, "reset"), with_status(503), CONTENT]
    path = download_hub_file(hub_file(), tmp_path, waits_in_seconds=(0, 0, 0))
    assert path.read_bytes() == CONTENT
    answers += [with_status(429), with_status(429)]
    with pytest.raises(DataError, match=r"cannot get a\.parquet of the data set some/set .* so many requests \(429\)"):
        download_hub_file(hub_file(), tmp_path, waits_in_seconds=(0,))
    assert not answers


@pytest.mark.parametrize("problem", [with_status(404), with_status(403), OSError(28, "No space left on device")])
def test_what_will_not_pass_is_not(tmp_path: Path, answers: list[Exception | bytes], problem: Exception) -> None:
    answers += [problem, CONTENT]
    with pytest.raises(DataError, match=r"cannot get a\.parquet of the data set some/set from the Hub: "):
        download_hub_file(hub_file(), tmp_path, waits_in_seconds=(0,))
    assert answers == [CONTENT]


def test_a_file_that_is_not_what_the_hub_lists_is_removed(tmp_path: Path, answers: list[Exception | bytes]) -> None:
    answers += [b"ab", b"abd", b"abd"]
    with pytest.raises(DataError, match="came with 2 bytes, the Hub lists 3; run the same again"):
        download_hub_file(hub_file(), tmp_path)
    with pytest.raises(DataError, match=rf"came with SHA-256 \w+, the Hub lists {SHA256}; run the same again"):
        download_hub_file(hub_file(), tmp_path)
    assert not list(tmp_path.iterdir())
    assert download_hub_file(hub_file(sha256=None), tmp_path).exists()


def recorder(begun: list[str], wait: Event | None = None) -> Callable[[HubFile, Path], Path]:
    def download(file: HubFile, folder: Path) -> Path:
        begun.append(file.path)
        if wait is not None and file.path == "b":
            assert wait.wait(10)
        (folder / file.path).write_bytes(CONTENT)
        return folder / file.path

    return download


def test_the_next_file_comes_while_one_is_used_and_no_further_one(tmp_path: Path) -> None:
    files, begun, wait = [hub_file(name) for name in "abcd"], [], Event()
    fetcher = HubFetcher(files, tmp_path, download=recorder(begun, wait))
    assert fetcher.path(files[0]) == tmp_path / "a"
    wait.set()
    assert fetcher.path(files[1]).exists()
    assert "d" not in begun
    fetcher.release(files[0])
    assert not (tmp_path / "a").exists()
    for file in files[2:]:
        fetcher.path(file)
    assert begun == ["a", "b", "c", "d"]


def test_what_went_wrong_meanwhile_is_told_when_the_file_is_asked_for(tmp_path: Path) -> None:
    def download(file: HubFile, folder: Path) -> Path:
        if file.path == "b":
            raise DataError("gone")
        return folder

    files = [hub_file(name) for name in "ab"]
    fetcher = HubFetcher(files, tmp_path, download=download)
    fetcher.path(files[0])
    with pytest.raises(DataError, match="gone"):
        fetcher.path(files[1])
    fetcher.release(files[1])
