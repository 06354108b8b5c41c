"""Help and wrong words of every command are answered without torch: a test of what is imported, not of the clock."""

import json
import subprocess
import sys

import pytest

from gpt25.cli.main import COMMANDS

HEAVY = (
    "torch",
    "numpy",
    "matplotlib",
    "transformers",
    "tokenizers",
    "safetensors",
    "huggingface_hub",
    "pyarrow",
    "prompt_toolkit",
)

# Every attempt in one process, and after each what it has imported: the first one that finds torch is the culprit.
ATTEMPTS = """
import contextlib, io, json, sys
from gpt25.cli.main import main
found = []
for words in json.loads(sys.argv[1]):
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        exit_code = main(words)
    found.append([words, exit_code, said.getvalue(), [name for name in json.loads(sys.argv[2]) if name in sys.modules]])
print(json.dumps(found))
"""

# What the parser cannot know, and the command itself checks before it loads anything.
WRONG_VALUES = (
    (("generate", "gpt2", "--temperature", "-1"), "temperature is -1.0"),
    (("evaluate", "gpt2"), "needs a model and a task"),
    (("evaluate", "gpt2", "--task", "hellasweg"), "hellaswag"),
    (("evaluate", "gpt2", "--task", "hellaswag", "--limit", "0"), "limit is 0"),
    (("train", "quikstart"), "there is no recipe 'quikstart'"),
    (("train", "quickstart", "--loop.number-of-updates", "-1"), "number"),
    (("plan", "quikstart"), "there is no recipe 'quikstart'"),
    (("plot", "loss", "nowhere", "--output", "loss.jpeg"), "loss.jpeg"),
    (("show", "no-such-model/"), "there is no directory no-such-model"),
    (("generate", "no-such-model/"), "there is no directory no-such-model"),
    (("generate", ""), "one of its words is empty"),
    (("evaluate", "no-such-model/", "--task", "hellaswag"), "there is no directory no-such-model"),
    (("evaluate", "gpt2", "--task", "hellaswag", "--against", "no-such-model/"), "there is no directory no-such-model"),
    (("export", "no-such-model/", "--output", "model.gguf"), "there is no directory no-such-model"),
    (("push", "no-such-model/", "owner/name"), "there is no directory no-such-model"),
    (("compare", "no-such-run/"), "there is no directory no-such-run"),
    (("plot", "loss", "no-such-run/", "--output", "loss.png"), "there is no directory no-such-run"),
    (("plot", "report", "no-such-run/"), "there is no directory no-such-run"),
    (("plot", "attention", "no-such-model/", "--output", "a.png"), "there is no directory no-such-model"),
    (("plot", "positions", "no-such-model/", "--output", "a.png"), "there is no directory no-such-model"),
    (("plot", "predictions", "no-such-model/", "--output", "a.png"), "there is no directory no-such-model"),
    (("plot", "differences", "gpt2", "no-such-model/", "--output", "a.png"), "there is no directory no-such-model"),
)


def attempt(*attempts: tuple[str, ...]) -> list[tuple[list[str], int, str, list[str]]]:
    done = subprocess.run(
        [sys.executable, "-c", ATTEMPTS, json.dumps(attempts), json.dumps(HEAVY)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    found: list[tuple[list[str], int, str, list[str]]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_help_and_a_wrong_flag_import_nothing_heavy(name: str) -> None:
    first_words = ("quickstart",) if name in ("train", "sweep") else ()  # its flags' defaults are the recipe's
    helped, wrong = attempt((name, "--help"), (name, *first_words, "--no-such-flag", "1"))
    assert helped[1] == 0
    assert helped[2].startswith(f"usage: gpt25 {name}")
    assert helped[3] == [], f"gpt25 {name} --help imports {helped[3]}"
    assert wrong[1] == 2
    assert wrong[2].startswith("error: ")
    assert wrong[3] == [], f"a wrong flag of gpt25 {name} makes it import {wrong[3]}"


@pytest.mark.parametrize(("words", "said"), WRONG_VALUES)
def test_wrong_values_are_refused_before_anything_heavy_is_imported(words: tuple[str, ...], said: str) -> None:
    (found,) = attempt(words)
    assert (found[1], found[3]) == (2, []), found
    assert said in found[2]


def test_shards_that_are_not_there_are_missed_before_torch_is_imported() -> None:
    (found,) = attempt(("train", "gpt2_124m", "--dry-run", "--data.directory", "no-such-shards"))
    assert found[1] == 2
    assert "there is no no-such-shards, where the run's token shards should be" in found[2]
    assert "torch" not in found[3]
