"""What every test may rely on: no network, a quiet Hub, and one thread unless a test says otherwise."""

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from headless_browser import browser, open_page  # noqa: F401 (fixtures for all tests)

sys.path.pop(0)

# Set before anything is imported that reads them: huggingface_hub does so at import.
os.environ.update(
    HF_HOME=os.path.join(tempfile.gettempdir(), "gpt25-tests-without-a-hub-cache"),
    HF_HUB_OFFLINE="1",
    HF_HUB_DISABLE_TELEMETRY="1",
    MPLBACKEND="agg",
    TOKENIZERS_PARALLELISM="false",
)
for variable in ("HF_HUB_CACHE", "NO_COLOR", "FORCE_COLOR", "RANK", "WORLD_SIZE", "LOCAL_RANK"):
    os.environ.pop(variable, None)

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class HubRequest(BaseHTTPRequestHandler):
    """HEAD and GET on /OWNER/NAME/resolve/REVISION/FILE, as the Hugging Face Hub answers them."""

    directory: Path
    requests: list[str]
    faults: dict[str, Callable[["HubRequest", Path], bool]]

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def answer(self) -> None:
        self.requests.append(f"{self.command} {self.path}")
        _owner, name, _resolve, _revision, file_name = self.path.lstrip("/").split("/", 4)
        path = self.directory / name / file_name
        if name in self.faults and self.faults[name](self, path):
            return
        if path.is_file():
            self.send(200, content=path.read_bytes())
        else:
            self.send(404, code="EntryNotFound")

    def send(self, status: int, *, code: str = "", content: bytes = b"", **headers: str) -> None:
        """Answer with the Hub's headers; `code` is what its client reads, `content` what HEAD only measures."""
        standard = {
            "X-Repo-Commit": COMMIT,
            "ETag": f'"{hashlib.sha256(content).hexdigest()}"',
            "Content-Length": str(len(content)),
        }
        if code:
            standard["X-Error-Code"] = code
        self.send_response(status)
        for name, value in (standard | {name.replace("_", "-"): value for name, value in headers.items()}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, *_arguments: object) -> None:
        pass


@contextmanager
def _hub(
    directory: Path, faults: dict[str, Callable[[HubRequest, Path], bool]] | None = None
) -> Iterator[tuple[str, list[str]]]:
    requests: list[str] = []
    handler = type("OneHub", (HubRequest,), {"directory": directory, "requests": requests, "faults": faults or {}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True  # a request that stalls on purpose must not hold up the end of the test
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", requests
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="session")
def serve_hub() -> Callable[..., AbstractContextManager[tuple[str, list[str]]]]:
    """Serve the folders of a directory as repositories: `with serve_hub(directory, faults) as (endpoint, requests)`.

    All files are of the commit 0123456789abcdef…; `faults` are functions by repository name that get the request and
    the file's path and return whether they have answered. huggingface_hub reads HF_ENDPOINT when it is imported: ask
    in a process.
    """
    return _hub
