"""Fetch large files of the Hub into a folder of ours, one after the other, each complete or not at all."""

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

from gpt25.data.sources.hub_listing import HubFile
from gpt25.errors import DataError
from gpt25.storage import sha256_of_file
from gpt25.storage.hub.hub_error_message import exception_chain, hub_error_message

T = TypeVar("T")
_WAITS_IN_SECONDS = (2.0, 10.0, 30.0, 90.0)
_PERMANENT_STATUSES = (400, 401, 403, 404, 410, 416)


def download_hub_file(file: HubFile, folder: Path, *, waits_in_seconds: Sequence[float] = _WAITS_IN_SECONDS) -> Path:
    """Fetch a file below `folder` at its path in the repository, or find it there; size and SHA-256 are checked.

    What an interrupted call has fetched is not fetched again. Transient failures are retried after each of
    `waits_in_seconds`. Raises DataError in one line.
    """
    import huggingface_hub

    def get() -> Path:
        path = Path(
            huggingface_hub.hf_hub_download(
                file.repository, file.path, repo_type="dataset", revision=file.commit, local_dir=folder
            )
        )
        _verify_download(path, file)
        return path

    try:
        return patiently(get, waits_in_seconds=waits_in_seconds)
    except DataError:
        raise
    except Exception as problem:  # the client's own errors, its HTTP library's and the operating system's
        reason = hub_error_message(problem, absent_file="the set has changed")
        raise DataError(
            f"cannot get {file.path} of the data set {file.repository} from the Hub: {reason}."
        ) from problem


def patiently(get: Callable[[], T], *, waits_in_seconds: Sequence[float] = _WAITS_IN_SECONDS) -> T:
    """What `get` returns, asked again after each wait where it failed for a reason that may pass; raises what it does.

    A DataError says that what came was wrong: it is not asked for again.
    """
    for wait in waits_in_seconds:
        try:
            return get()
        except Exception as problem:
            if not _is_transient(problem):
                raise
        time.sleep(wait)
    return get()


def _verify_download(path: Path, file: HubFile) -> None:
    """Raise DataError, after removing the file, where it is not what the Hub's listing promised."""
    size = path.stat().st_size
    if size != file.size:
        path.unlink()
        raise DataError(f"{file.name} came with {size:,} bytes, the Hub lists {file.size:,}; run the same again")
    if file.sha256 is not None and (found := sha256_of_file(path)) != file.sha256:
        path.unlink()
        raise DataError(f"{file.name} came with SHA-256 {found}, the Hub lists {file.sha256}; run the same again")


def _is_transient(problem: Exception) -> bool:
    if isinstance(problem, DataError):
        return False  # not what the Hub lists: it is fetched anew by the next call
    if isinstance(problem, OSError) and problem.errno is not None and not isinstance(problem, ConnectionError):
        return False  # a full disk
    for cause in exception_chain(problem):
        if type(cause).__name__ in ("OfflineModeIsEnabled", "HFValidationError"):
            return False
        status = getattr(getattr(cause, "response", None), "status_code", None)
        if status is not None:
            return status not in _PERMANENT_STATUSES
    return True


class HubFetcher:
    """Hands out local paths of Hub files, and fetches the next one meanwhile: at most two lie on the disk.

    files: those that are worth fetching ahead, in the order in which they will be asked for. A file is removed by
    `release`, once what was made of it is safe.
    """

    def __init__(
        self, files: Sequence[HubFile], folder: Path, *, download: Callable[[HubFile, Path], Path] = download_hub_file
    ) -> None:
        self._files = list(files)
        self._folder = folder
        self._download = download
        self._fetched: dict[HubFile, Future[Path]] = {}

    def path(self, file: HubFile) -> Path:
        """Where the file lies; waits for it, and starts to fetch the one that comes after it. Raises DataError."""
        path = self._begin(file).result()
        following = self._files.index(file) + 1 if file in self._files else len(self._files)
        if following < len(self._files):
            self._begin(self._files[following])
        return path

    def _begin(self, file: HubFile) -> Future[Path]:
        if file not in self._fetched:
            self._fetched[file] = future = Future[Path]()
            # A daemon, which Ctrl-C need not wait for: what it has fetched by then is there for the next call.
            threading.Thread(target=self._fetch, args=(file, future), daemon=True).start()
        return self._fetched[file]

    def _fetch(self, file: HubFile, future: Future[Path]) -> None:
        try:
            future.set_result(self._download(file, self._folder))
        except BaseException as problem:
            future.set_exception(problem)

    def release(self, file: HubFile) -> None:
        """Remove a file from the disk, fetched now or by an earlier call."""
        self._fetched.pop(file, None)
        with contextlib.suppress(OSError):
            (self._folder / file.path).unlink(missing_ok=True)
