"""A recipe of tenths of a second, for commands that train."""

import inspect
import json
import textwrap
import tomllib
from pathlib import Path

import pytest

from gpt25.data import Document, prepare
from gpt25.tokenizer import Tokenizer

RECIPE = """
[model]
block_size = 32
vocabulary_size = 320
number_of_layers = 2
number_of_heads = 2
number_of_embedding_dimensions = 32
[data]
validation_tokens = 160
[batch]
tokens_per_update = 128
[schedule]
warm_up_updates = 2
[loop]
number_of_updates = 4
validation_interval_in_updates = 1000
samples_interval_in_updates = 1000
checkpoint_interval_in_updates = 20
device = "cpu"
precision = "float32"
timeout_seconds = 20
"""


@pytest.fixture(scope="module")
def recipe_content() -> str:
    """What the recipe of a module's tests says but for its data; a module of other runs gives its own."""
    return RECIPE


@pytest.fixture(scope="module")
def recipe(recipe_content: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe of tenths of a second, with its data."""
    directory = tmp_path_factory.mktemp("recipe")
    text = inspect.getsource(textwrap)
    documents = [Document(f"{start}", text[start : start + 800].encode()) for start in range(0, len(text), 800)]
    tokenizer = Tokenizer.train([text], vocabulary_size=tomllib.loads(recipe_content)["model"]["vocabulary_size"])
    prepare(documents, tokenizer, directory / "data", validation_fraction=0.3, number_of_processes=1)
    path = directory / "tiny.toml"
    path.write_text(recipe_content.replace("[data]", f"[data]\ndirectory = {json.dumps(str(directory / 'data'))}"))
    return path
