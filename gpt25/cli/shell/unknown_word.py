"""What to type instead of a first word that gpt25 does not know: commands by other names, and near misses."""

import difflib
import re
from collections.abc import Collection

from gpt25.cli.shell.value_kinds import MODEL_SIZES
from gpt25.errors import ConfigurationError
from gpt25.records import in_this_shell, offered_command

_OTHERS = {
    "chat": "generate MODEL",
    "complete": "generate MODEL",
    "infer": "generate MODEL",
    "inference": "generate MODEL",
    "predict": "generate MODEL",
    "prompt": "generate MODEL",
    "sample": "generate MODEL",
    "talk": "generate MODEL",
    "write": "generate MODEL",
    "server": "serve MODEL",
    "api": "serve MODEL",
    "playground": "serve MODEL",
    "bench": "evaluate MODEL --task hellaswag",
    "benchmark": "evaluate MODEL --task hellaswag",
    "eval": "evaluate MODEL --task hellaswag",
    "score": "evaluate MODEL --task hellaswag",
    "test": "evaluate MODEL --task hellaswag",
    "continue": "train RECIPE --run DIR",
    "pretrain": "train RECIPE --run DIR",
    "resume": "train RECIPE --run DIR",
    "fine-tune": "train finetune --start MODEL --data.texts PATH --run DIR",
    "finetune": "train finetune --start MODEL --data.texts PATH --run DIR",
    "grid": "sweep RECIPE --vary KEY VALUES --run DIR",
    "search": "sweep RECIPE --vary KEY VALUES --run DIR",
    "tune": "sweep RECIPE --vary KEY VALUES --run DIR",
    "publish": "push MODEL OWNER/NAME",
    "share": "push MODEL OWNER/NAME",
    "upload": "push MODEL OWNER/NAME",
    "download": "data fetch NAME --output DIR",
    "fetch": "data fetch NAME --output DIR",
    "prepare": "data prepare SOURCE --tokenizer gpt2 --output DIR",
    "preprocess": "data prepare SOURCE --tokenizer gpt2 --output DIR",
    "shards": "data show DIR",
    "verify": "data verify DIR",
    "decode": "tokenizer decode IDS --tokenizer gpt2",
    "encode": "tokenizer encode TEXT --tokenizer gpt2",
    "tokenize": "tokenizer encode TEXT --tokenizer gpt2",
    "attention": "plot attention MODEL --output FILE.png",
    "draw": "plot loss RUN --output FILE.png",
    "loss": "plot loss RUN --output FILE.png",
    "positions": "plot positions MODEL --output FILE.png",
    "predictions": "plot predictions MODEL --output FILE.png",
    "convert": "export MODEL --format gguf --output FILE",
    "gguf": "export MODEL --format gguf --output FILE",
    "save": "export MODEL --format hugging-face --output DIR",
    "diff": "plot differences MODEL MODEL --output FILE.png",
    "report": "compare RUN",
    "follow": "compare RUN --follow",
    "watch": "compare RUN --follow",
    "describe": "show MODEL",
    "info": "show MODEL",
    "inspect": "show MODEL",
    "parameters": "show MODEL",
    "summary": "show MODEL",
    "cost": "plan RECIPE",
    "estimate": "plan RECIPE",
    "check": "doctor",
    "device": "doctor",
    "devices": "doctor",
    "env": "doctor",
    "demo": "quickstart",
    "init": "quickstart",
    "start": "quickstart",
    "completion": "--print-completion bash",
    "version": "--version",
}
"""What others call a command, or users may, and the words that do it here."""

_REMARKS = {
    "chat": "Without --prompt, on a terminal, it opens a session.",
    "talk": "Without --prompt, on a terminal, it opens a session.",
    "download": "A model, such as gpt2, is fetched when a command first names it.",
    "continue": "The same command goes on with a run that was not finished.",
    "resume": "The same command goes on with a run that was not finished.",
}
_PLACE = re.compile(r"\b(?:MODEL|RUN|NAME)\b")


_LONGEST_COMMAND = 200
"""A longer line is offered without the words behind its command."""


def unknown_word(words: list[str], commands: Collection[str], flags: Collection[str]) -> ConfigurationError:
    """The error for words that begin with neither a command nor a flag of gpt25 itself, with what to type instead."""
    word = words[0]
    if word.startswith("-"):
        instead, remark = _other_flag(words, commands, flags)
    else:
        instead, remark = _other_command(words, commands)
    advice = f"; did you mean {in_this_shell(instead)}?" if instead else "."
    kind = "flag" if word.startswith("-") else "command"
    remark = f"{remark} " if remark else ""
    return ConfigurationError(
        f"gpt25 has no {kind} {word!r}{advice}\n{remark}{in_this_shell('gpt25 --help')} lists what there is."
    )


def _other_flag(words: list[str], commands: Collection[str], flags: Collection[str]) -> tuple[str | None, str]:
    behind = [word for word in words[1:] if word in commands]
    if behind:
        return offered_command("gpt25", behind[0], words[0]), "A command's flags stand behind it."
    near = difflib.get_close_matches(words[0], flags, n=1, cutoff=0.5)
    return (f"gpt25 {near[0]}" if near else None), ""


def _other_command(words: list[str], commands: Collection[str]) -> tuple[str | None, str]:
    """A command by another name, or one that is spelt nearly so, with the words that stood behind it."""
    from gpt25.recipes import recipe_names

    word = words[0].lower().replace("_", "-")
    others = {name: line for name, line in _OTHERS.items() if _is_there(line, commands)}
    near = [word] if word in commands or word in others else []
    near = near or difflib.get_close_matches(word, [*commands, *others], n=1, cutoff=0.7)
    if words[0] in MODEL_SIZES:
        return f"gpt25 generate {words[0]}", f"{words[0]} is a model."
    if words[0] in recipe_names() and word not in others:
        return f"gpt25 train {words[0]} --run DIR", f"{words[0]} is a recipe."
    if not near:
        return None, ""
    if near[0] in commands:
        whole = offered_command("gpt25", near[0], *words[1:])
        return (whole if len(whole) <= _LONGEST_COMMAND else f"gpt25 {near[0]}"), ""
    line = others[near[0]]
    if words[1:] and not words[1].startswith("-"):  # gpt25 chat runs/mine
        line = _PLACE.sub(lambda _: offered_command(words[1]), line, count=1)
    return f"gpt25 {line}", _REMARKS.get(near[0], "")


def _is_there(line: str, commands: Collection[str]) -> bool:
    first = line.partition(" ")[0]
    return first.startswith("--") or first in commands
