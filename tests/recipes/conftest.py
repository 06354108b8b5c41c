import contextlib
import inspect
import textwrap
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from gpt25.data import Document, PreparedData, prepare
from gpt25.tokenizer import Tokenizer


class Listener:
    """Someone who hears everything that a recipe says."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.noted: list[str] = []
        self.advanced: dict[str, int] = {}
        self._open: list[str] = []

    def say(self, text: str = "") -> None:
        self.said.append(text)

    def note(self, text: str) -> None:
        self.noted.append(text)

    @contextlib.contextmanager
    def progress(self, description: str, total: int | None, unit: str, *, done: int = 0) -> Iterator["Listener"]:
        self._open.append(description)
        self.advanced.setdefault(description, 0)
        yield self
        self._open.pop()

    def advance(self, units_done: int = 1, /, **fields: Any) -> None:
        self.advanced[self._open[-1]] += units_done

    @property
    def everything(self) -> str:
        return "\n".join(self.said)


@pytest.fixture
def reporter() -> Listener:
    return Listener()


@pytest.fixture(scope="module", autouse=True)  # before what a module's tests share is made
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def documents() -> list[Document]:
    """A corpus that stands in for the standard library: one of its files in pieces, about 20 kB."""
    text = inspect.getsource(textwrap)
    return [Document(f"part {start}", text[start : start + 800].encode()) for start in range(0, len(text), 800)]


@pytest.fixture(scope="module")
def data(documents: list[Document], tmp_path_factory: pytest.TempPathFactory) -> PreparedData:
    """Those documents in shards, cut by a tokenizer of 320 tokens."""
    tokenizer = Tokenizer.train([document.content.decode() for document in documents], vocabulary_size=320)
    directory = tmp_path_factory.mktemp("shards")
    return prepare(documents, tokenizer, directory, validation_fraction=0.3, number_of_processes=1)
