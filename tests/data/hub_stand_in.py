"""A small Hub on this machine: data sets are folders below a directory. Its client reads variables at import."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Handler(BaseHTTPRequestHandler):
    """/api/datasets/O/N/revision/R, /api/datasets/O/N/tree/R/FOLDER, /datasets/O/N/resolve/R/FILE; without: models."""

    directory: Path
    requests: list[str]
    held: dict[str, Event]
    gone: set[str]

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def answer(self) -> None:
        path = urlsplit(self.path).path
        self.requests.append(f"{self.command} {unquote(path)}")
        words = [unquote(word) for word in path.lstrip("/").split("/")]  # a revision may hold slashes, as %2F
        kinds = [word for word in words[:2] if word in ("api", "datasets", "models")]
        owner, name, what, _revision, *rest = words[len(kinds) :]
        root = self.directory / owner / name
        place = root.joinpath(*rest)
        if not root.is_dir():
            self.send(404, b"", "RepoNotFound")
        elif what == "revision":
            self.send(200, json.dumps({"id": f"{owner}/{name}", "sha": COMMIT}).encode())
        elif what == "tree" and place.is_dir():
            self.send(200, json.dumps([self.entry(path, root) for path in sorted(place.rglob("*"))]).encode())
        elif what == "resolve" and place.is_file() and place.name not in self.gone:
            if place.name in self.held and self.command == "GET":
                self.held[place.name].wait(60)
            self.send(200, place.read_bytes())
        else:
            self.send(404, b"", "EntryNotFound")

    @staticmethod
    def entry(path: Path, root: Path) -> dict:
        name = path.relative_to(root).as_posix()
        if path.is_dir():
            return {"type": "directory", "oid": "0", "size": 0, "path": name}
        content = path.read_bytes()
        large = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 130}
        lies = root / f"{name}.lies"  # what the listing promises instead
        if lies.exists():
            large["oid"] = lies.read_text()
        oid = hashlib.sha1(content).hexdigest()
        return {"type": "file", "oid": oid, "size": len(content), "path": name, "lfs": large}

    def send(self, status: int, content: bytes, code: str = "") -> None:
        first, _, last = self.headers.get("Range", "").removeprefix("bytes=").partition("-")
        begin, end = int(first or 0), int(last or len(content) - 1) + 1
        part = content[begin:end] if first else content
        self.send_response(206 if first else status)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(part)))
        if first:
            self.send_header("Content-Range", f"bytes {begin}-{begin + len(part) - 1}/{len(content)}")
        if code:
            self.send_header("X-Error-Code", code)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(part)

    def log_message(self, *_arguments: object) -> None:
        pass


class Hub:
    """The stand-in's requests so far, and Python processes that see it as the Hub."""

    def __init__(self, endpoint: str, home: Path, requests: list[str]) -> None:
        self.requests = requests
        self.held: dict[str, Event] = {}
        """Files of these names are not sent until they are let go."""
        self.gone: set[str] = set()
        """Files of these names are listed and not there."""
        self.environment = os.environ | {
            "HF_HOME": str(home),
            "HF_ENDPOINT": endpoint,
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_HUB_ETAG_TIMEOUT": "5",
            "HF_HUB_OFFLINE": "0",
        }

    def run(self, program: str, *words: object) -> subprocess.CompletedProcess[str]:
        """A program in a process of its own; its words are in sys.argv."""
        command = [sys.executable, "-c", program, *map(str, words)]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True)

    def gpt25(self, *words: object) -> subprocess.CompletedProcess[str]:
        """The command line."""
        return self.run("import sys; from gpt25.cli.main import main; sys.exit(main(sys.argv[1:]))", *words)

    def hold(self, name: str) -> None:
        """Send no file of that name until `let_go`."""
        self.held[name] = Event()

    def let_go(self) -> None:
        """Send everything."""
        for event in self.held.values():
            event.set()

    def downloads(self) -> list[str]:
        """The names of the files that were fetched so far, each as often as it was."""
        return [request.rsplit("/", 1)[-1] for request in self.requests if request.startswith("GET /datasets/")]


@contextmanager
def hub(directory: Path, home: Path) -> Iterator[Hub]:
    """Serve the folders OWNER/NAME of a directory as data sets."""
    requests: list[str] = []
    handler = type("OneHandler", (Handler,), {"directory": directory, "requests": requests})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    served = Hub(f"http://127.0.0.1:{server.server_port}", home, requests)
    handler.held, handler.gone = served.held, served.gone
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield served
    finally:
        served.let_go()
        server.shutdown()
        server.server_close()
        thread.join()
