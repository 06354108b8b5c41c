"""Sets from a small Hub on this machine. Its client reads its variables at import: hence the process."""

import hashlib
import json
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CONTENT = b"the set's bytes"
PROGRAM = """
import json, sys
from gpt25.errors import GPT25Error
from gpt25.evaluation.sets.hub_sets import fetch_set, hub_set
for repository in sys.argv[1:]:
    try:
        print(json.dumps([repository, fetch_set(hub_set(repository, "default", "test")).read_text()]))
    except GPT25Error as problem:
        print(json.dumps([repository, str(problem)]))
"""


class Hub(BaseHTTPRequestHandler):
    """Answers for one set; nobody else has anything."""

    requests: list[str] = []  # noqa: RUF012 (one server, one list)

    def do_HEAD(self) -> None:
        self.requests.append(self.path)
        there = self.path.startswith("/datasets/some/set/")
        gated = "/gated/" in self.path
        self.send_response(200 if there else 403 if gated else 404)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{hashlib.sha256(CONTENT).hexdigest()}"')
        self.send_header("Content-Length", str(len(CONTENT) if there else 0))
        if not there:
            self.send_header("X-Error-Code", "GatedRepo" if gated else "EntryNotFound")
        self.end_headers()

    def do_GET(self) -> None:
        self.do_HEAD()
        if self.path.startswith("/datasets/some/set/"):
            self.wfile.write(CONTENT)

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    home = tmp_path_factory.mktemp("home")

    def ask(*repositories: str, offline: str) -> dict[str, str]:
        environment = os.environ | {
            "HF_HOME": str(home),
            "HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_HUB_OFFLINE": offline,
        }
        words = [sys.executable, "-c", PROGRAM, *repositories]
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
        return dict(map(json.loads, done.stdout.splitlines()))

    try:
        online = ask("some/set", "some/other", "some/gated", offline="0")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    cached = ask("some/set", "some/uncached", offline="1")
    alone = ask("some/set", offline="0")
    return online | {"offline": cached["some/set"], "uncached": cached["some/uncached"], "alone": alone["some/set"]}


def test_a_set_is_fetched_in_the_hubs_own_form_and_kept(answers: dict[str, str]) -> None:
    assert answers["some/set"] == CONTENT.decode()
    place = "/datasets/some/set/resolve/refs%2Fconvert%2Fparquet/default/test/0000.parquet"
    assert place in Hub.requests
    assert answers["offline"] == CONTENT.decode()
    assert answers["alone"] == CONTENT.decode(), "the cache holds it, and the Hub is gone"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("some/other", "the repository has no such file, so the set has moved"),
        ("some/gated", "it is gated; ask for access on its page and log in"),
        ("uncached", "it is not in the cache and HF_HUB_OFFLINE forbids asking"),
    ],
)
def test_what_goes_wrong_is_said_in_one_line_with_the_way_out(answers: dict[str, str], name: str, reason: str) -> None:
    assert answers[name].startswith("cannot get default/test/0000.parquet of the data set some/")
    assert reason in answers[name]
    assert answers[name].endswith("--data FILE scores a file of your own.")
    assert "\n" not in answers[name]
