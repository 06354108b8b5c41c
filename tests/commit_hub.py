"""A small Hub on this machine that models can be pushed to, and fetched from again: the commit API in memory.

Its requests and answers are those of huggingface_hub's client (hf_api.py, _commit_api.py, lfs.py); nothing here was
tried against the Hub itself.
"""

import base64
import contextlib
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

WRITER, READER, STRANGER = "hf_writerswriterswriters", "hf_readersreadersreaders", "hf_strangersstrangers"
OWNERS = ("me", "an-organisation")
PART_BYTES = 40_000
"""Larger files are taken in parts."""


@dataclass
class Repository:
    """One model's repository."""

    private: bool
    files: dict[str, bytes] = field(default_factory=lambda: {".gitattributes": b""})
    messages: list[str] = field(default_factory=list)

    @property
    def commit(self) -> str:
        return hashlib.sha1(repr((sorted(self.files.items()), self.messages)).encode()).hexdigest()


@dataclass
class Store:
    """What the Hub holds, and what was asked of it."""

    repositories: dict[str, Repository] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)
    """Method, path and Authorization of every request."""
    fault: Callable[["Request"], bool] | None = None
    """Answers instead, where it returns true."""


class Request(BaseHTTPRequestHandler):
    """One request, answered from `store`."""

    store: Store
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer leaves in one piece
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self.answer()

    def do_HEAD(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.answer()

    def do_PUT(self) -> None:
        self.answer()

    def answer(self) -> None:
        self.path_only = unquote(urlsplit(self.path).path)
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.store.requests.append((self.command, self.path_only, self.headers.get("Authorization")))
        if self.store.fault is not None and self.store.fault(self):
            return
        words = self.path_only.strip("/").split("/")
        if words[0] == "storage":
            self.keep_object(*words[1:])
        elif words[:2] == ["api", "validate-yaml"]:
            self.validate()
        elif self.token not in (WRITER, READER):
            self.refuse(401, "Invalid username or password.")
        elif words[:3] == ["api", "repos", "create"]:
            self.create()
        elif words[:2] == ["api", "models"]:
            self.of_repository("/".join(words[2:4]), words[4:])
        elif words[1].endswith(".git"):
            self.announce_objects()
        else:
            self.give("/".join(words[:2]), "/".join(words[4:]))

    @property
    def token(self) -> str | None:
        return (self.headers.get("Authorization") or "").removeprefix("Bearer ") or None

    def create(self) -> None:
        asked = json.loads(self.body)
        name = f"{asked['organization'] or 'me'}/{asked['name']}"
        if asked["organization"] not in OWNERS or self.token != WRITER:
            self.refuse(403, "You don't have the rights to create a model under this namespace")
        elif name in self.store.repositories:
            self.refuse(409, "You already created this model repo")
        else:
            self.store.repositories[name] = Repository(private=asked["visibility"] == "private")
            self.send({"url": f"{self.endpoint}/{name}"})

    def of_repository(self, name: str, rest: list[str]) -> None:
        repository = self.store.repositories.get(name)
        if repository is None:
            self.refuse(404, "Repository not found", code="RepoNotFound")
        elif rest[:1] == ["preupload"]:
            asked = json.loads(self.body)["files"]
            modes = {True: "lfs", False: "regular"}
            files = [(file["path"], file["path"].endswith((".safetensors", ".png"))) for file in asked]
            self.send(
                {"files": [{"path": path, "uploadMode": modes[large], "shouldIgnore": False} for path, large in files]}
            )
        elif rest[:1] == ["commit"]:
            self.commit(name, repository, [json.loads(line) for line in self.body.splitlines()])
        elif not rest or rest[0] == "revision":
            siblings = [{"rfilename": path} for path in repository.files]
            self.send({"id": name, "sha": repository.commit, "private": repository.private, "siblings": siblings})
        else:
            self.refuse(404, "Entry not found", code="EntryNotFound")

    def commit(self, name: str, repository: Repository, lines: list[dict[str, Any]]) -> None:
        for line in lines:
            value = line["value"]
            if line["key"] == "header":
                repository.messages.append(value["summary"])
            elif line["key"] == "file":
                repository.files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                repository.files[value["path"]] = self.store.objects[value["oid"]]
            else:
                del repository.files[value["path"]]
        self.send({"commitUrl": f"{self.endpoint}/{name}/commit/x", "commitOid": repository.commit})

    def announce_objects(self) -> None:
        """Where each large file goes: in one piece, or in parts that are joined at the end."""
        objects = []
        for each in json.loads(self.body)["objects"]:
            oid, size = each["oid"], each["size"]
            href, header = f"{self.endpoint}/storage/{oid}", {}
            if size > PART_BYTES:
                parts = -(-size // PART_BYTES)
                header = {f"{part:05d}": f"{href}/{part:05d}" for part in range(1, parts + 1)}
                header["chunk_size"] = str(PART_BYTES)
                href += "/joined"
            actions = {
                "upload": {"href": href, "header": header},
                "verify": {"href": f"{self.endpoint}/storage/{oid}/verified"},
            }
            objects.append({"oid": oid, "size": size, "actions": actions})
        self.send({"objects": objects})

    def keep_object(self, oid: str, what: str = "") -> None:
        if what == "verified":
            whole = hashlib.sha256(self.store.objects[oid]).hexdigest() == oid
            self.send({}) if whole else self.refuse(400, "what arrived is not what was announced")
        elif what == "joined":
            parts = sorted(key for key in self.store.objects if key.startswith(f"{oid}/"))
            self.store.objects[oid] = b"".join(self.store.objects.pop(key) for key in parts)
            self.send({})
        else:
            self.store.objects[f"{oid}/{what}" if what else oid] = self.body
            self.send({}, ETag='"part"')

    def validate(self) -> None:
        """The head of a card must be YAML between two lines of dashes, with the Hub's own types."""
        _, metadata, _ = json.loads(self.body)["content"].split("---\n", 2)
        content = yaml.safe_load(metadata)
        lists = all(isinstance(content.get(name, []), list) for name in ("tags", "datasets", "model-index"))
        if lists and isinstance(content.get("license", ""), str):
            self.send({"errors": [], "warnings": []})
        else:
            self.send({"errors": [{"message": "wrong types"}], "warnings": []}, status=400)

    def give(self, name: str, path: str) -> None:
        """A file, as /OWNER/NAME/resolve/REVISION/PATH asks for it."""
        repository = self.store.repositories.get(name)
        if repository is None:
            self.refuse(404, "Repository not found", code="RepoNotFound")
        elif path not in repository.files:
            self.refuse(404, "Entry not found", code="EntryNotFound", X_Repo_Commit=repository.commit)
        else:
            content = repository.files[path]
            self.send(content, X_Repo_Commit=repository.commit, ETag=f'"{hashlib.sha256(content).hexdigest()}"')

    @property
    def endpoint(self) -> str:
        return f"http://{self.headers['Host']}"

    def refuse(self, status: int, message: str, *, code: str = "", **headers: str) -> None:
        self.send({"error": message}, status=status, X_Error_Code=code, X_Error_Message=message, **headers)

    def send(self, content: Any, *, status: int = 200, **headers: str) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            if value:
                self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        pass


_PROGRAM = """
import contextlib, io, json, os, sys
from gpt25.cli.main import main
for words, token in json.loads(sys.argv[1]):
    os.environ.pop("HF_TOKEN", None)
    if token is not None:
        os.environ["HF_TOKEN"] = token
    said, noted = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(noted):
        code = main(words)
    print(json.dumps([code, said.getvalue(), noted.getvalue()]))
"""


@dataclass(frozen=True)
class CommitHub:
    """The Hub, and processes that see it as the Hub: its client reads variables when it is imported."""

    endpoint: str
    home: Path
    store: Store

    def gpt25(self, *calls: tuple[list[str], str | None], **variables: str) -> list[tuple[int, str, str]]:
        """Exit code, output and notes of several commands, each with a token or without, one after the other."""
        done = self.python(_PROGRAM, json.dumps(calls), **variables)
        assert done.returncode == 0, done.stderr
        return [tuple(json.loads(line)) for line in done.stdout.splitlines()]

    def python(self, program: str, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a program that sees this Hub."""
        environment = os.environ | {
            "HF_HOME": str(self.home),
            "HF_ENDPOINT": self.endpoint,
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_OFFLINE": "0",
            "HF_HUB_ETAG_TIMEOUT": "5",
            **variables,
        }
        return subprocess.run([sys.executable, "-c", program, *words], env=environment, capture_output=True, text=True)


@contextlib.contextmanager
def commit_hub(home: Path) -> Iterator[CommitHub]:
    """Start an empty one; `home` is its clients' cache, without a token."""
    store = Store()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("OneRequest", (Request,), {"store": store}))
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield CommitHub(f"http://127.0.0.1:{server.server_port}", home, store)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
