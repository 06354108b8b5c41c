"""What may stand behind a flag or in a place, and how each shell lists that."""

import re
from dataclasses import dataclass
from typing import Any, Literal

from gpt25.cli.shell.words_of_command import Word

Shell = Literal["bash", "zsh", "fish"]
_MODELS = ("MODEL", "MODELS", "MODEL-A", "MODEL-B", "--start", "--beside", "--against", "--reference")
_DIRECTORIES = ("RUN", "RUNS", "DIRECTORY", "--run", "--include-path")
_NOTHING = ("INT", "FLOAT", "TEXT", "IDS", "REPOSITORY")
_DEVICES = ("auto", "cpu", "cuda", "mps")
MODEL_SIZES = ("gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl")


@dataclass(frozen=True)
class ValueKind:
    """Words that are known, and which files may stand there besides."""

    name: str
    listed: tuple[str, ...] = ()
    files: Literal["all", "directories", "recipes"] | None = None

    @property
    def function(self) -> str:
        """The name of the shell's function; "files" in it tells shtab that a / may follow."""
        return f"_gpt25_{self.name}_files" if self.files else f"_gpt25_{self.name}"


def kind_of(word: Word) -> ValueKind | None:
    """What completes a word's value; None for numbers, texts and the like."""
    from gpt25.evaluation.tasks import TASKS
    from gpt25.recipes import recipe_names

    name = word.names[0]
    if name in _MODELS:
        return ValueKind("model", MODEL_SIZES, "directories")
    if name in ("RECIPE", "--recipe"):
        return ValueKind("recipe", tuple(recipe_names()), "recipes")
    if name in ("--task", "--tasks"):
        return ValueKind("task", tuple(TASKS))
    if name == "--tokenizer" or name.endswith(".tokenizer"):
        return ValueKind("tokenizer", ("gpt2",), "directories")
    if name == "--checkpoint":
        return ValueKind("checkpoint", ("newest", "best"))
    if name == "--device" or name.endswith(".device"):
        return ValueKind("device", _DEVICES)
    if name in _DIRECTORIES:
        return ValueKind("run", files="directories")
    if any(part in _NOTHING for part in (name, *re.findall(r"\w+", word.value))):
        return None
    return ValueKind("any", files="all")


def completers(kind: ValueKind) -> dict[str, Any]:
    """What shtab takes as an action's `complete`: the name of a function for each shell, and the functions."""
    makers = {"bash": _bash_function, "zsh": _zsh_function, "fish": _fish_function}
    preamble = {shell: make(kind) for shell, make in makers.items()}
    return {"bash": kind.function, "zsh": kind.function, "fish": f"({kind.function})", "preamble": preamble}


def _bash_function(kind: ValueKind) -> str:
    lines = [f'compgen -W "{" ".join(kind.listed)}" -- "$1"'] if kind.listed else []
    if kind.files == "all":
        lines.append('compgen -f -- "$1"')
    elif kind.files:
        lines.append('compgen -d -- "$1"')
        lines += ["compgen -f -X '!*.toml' -- \"$1\""] if kind.files == "recipes" else []
    return f"{kind.function}() {{\n  " + "\n  ".join(lines) + "\n}"


def _zsh_function(kind: ValueKind) -> str:
    choices = [f"'words:word:({' '.join(kind.listed)})'"] if kind.listed else []
    if kind.files:
        which = {"all": "", "directories": " -/", "recipes": ' -g "*.toml"'}[kind.files]
        choices.append(f"'files:file:_files{which}'")
    return f"{kind.function}() {{\n  _alternative {' '.join(choices)}\n}}"


def _fish_function(kind: ValueKind) -> str:
    lines = [f"printf '%s\\n' {' '.join(kind.listed)}"] if kind.listed else []
    if kind.files:
        lists = {
            "all": "__fish_complete_path (commandline -ct)",
            "directories": "__fish_complete_directories (commandline -ct)",
            "recipes": "__fish_complete_suffix .toml",
        }
        lines.append(lists[kind.files])
    return f"function {kind.function}\n  " + "\n  ".join(lines) + "\nend"
