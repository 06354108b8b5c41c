"""The command `gpt25`: finds the command's module, imports it, and turns what it raises into an error and exit code.

Exit codes: 0 done; 2 the user's input or surroundings are at fault; 1 a bug; 130 or 143 stopped by a signal; 141
nobody wanted to read the result to its end. Nothing heavy is imported here, so that `gpt25 --help` answers at once.
"""

import os
import sys
import traceback
from importlib import import_module
from pathlib import Path
from types import ModuleType

from gpt25.cli.delivery import exit_code_of_delivery
from gpt25.cli.output import Output
from gpt25.cli.streams.standard_streams import StandardStreams
from gpt25.errors import GPT25Error, Interrupted
from gpt25.version import __version__

COMMANDS = {
    "quickstart": "train a small GPT-2 offline, in minutes, and look at it",
    "reproduce": "your own 124M against OpenAI's: fetch, train, verdict",
    "doctor": "what this machine has, what will be used, and why",
    "plan": "memory, hours, money and loss of a run, before paying",
    "tokenizer": "train a tokenizer; encode and decode text",
    "data": "turn text into token shards; describe and verify them",
    "train": "train by a recipe; the same command resumes a run",
    "sweep": "train with every combination of settings; compare them",
    "generate": "write text with a model",
    "serve": "a model on the network: an API and a page to play in",
    "evaluate": "score a model beside OpenAI's GPT-2",
    "compare": "runs beside one another and OpenAI's: one report",
    "show": "every parameter of a model, by both its names",
    "plot": "pictures: positions, attention, losses",
    "export": "take a model elsewhere: llama.cpp, transformers",
    "push": "give a model to others, on the Hugging Face Hub",
}
"""Every command and what it does, in the order in which `gpt25 --help` lists them."""

GROUPS = {
    "Start here": ("quickstart", "reproduce", "doctor", "plan"),
    "Make a model": ("tokenizer", "data", "train", "sweep"),
    "Use a model": ("generate", "serve", "evaluate", "compare", "show", "plot", "export", "push"),
}
"""The headings of `gpt25 --help` and the commands under each."""

COMPLETION_FLAGS = ("--print-completion", "--install-completion")
"""Flags of gpt25 itself, each with a shell behind it."""


def help_text() -> str:
    """What `gpt25 --help` prints; no line is wider than 80 columns."""
    lines = ["usage: gpt25 COMMAND …", "", "GPT-2 end to end, in one package.", ""]
    for heading, names in GROUPS.items():
        lines += [f"{heading}:", *(f"  {name:<12}{COMMANDS[name]}" for name in names), ""]
    lines += [
        "gpt25 COMMAND --help lists a command's flags; every command takes --json.",
        "MODEL is gpt2, gpt2-medium, gpt2-large, gpt2-xl, a Hub id owner/name,",
        "a Hugging Face directory, OpenAI's original release or a run directory.",
        "",
        "gpt25 --install-completion bash (or zsh, fish) completes words with Tab,",
        "--print-completion prints what does; gpt25 --version prints the version.",
    ]
    return "\n".join(lines)


def _complete(flag: str, words: list[str]) -> None:
    """Print the script that completes in a shell, or put it where that shell reads it."""
    from gpt25.cli.shell.completion_script import completion_script, require_shell
    from gpt25.cli.shell.install_completion import install_completion
    from gpt25.records import offered_command

    shell = require_shell(flag, words)
    script = completion_script(shell, COMMANDS)
    if flag == "--print-completion":
        Output().verbatim(script, end="")
        return
    found = install_completion(shell, script)
    by = "which fish finds by itself" if found.start_up_file is None else f"which {found.start_up_file} reads"
    read_here = found.start_up_file if shell == "zsh" and found.start_up_file else found.script
    Output().say(
        f"wrote {found.script}, {by}\nnew shells complete gpt25's words; this one does after"
        f"\n            {offered_command('source', read_here)}"
        "\nthe same command makes it anew after an upgrade of gpt25"
    )


def _is_first_rank() -> bool:
    """Whether this process prints for all: of those that torchrun starts, rank 0 does."""
    return os.environ.get("RANK", "0") == "0"


def _is_one_of_several() -> bool:
    """Whether torchrun started more than this process."""
    return os.environ.get("WORLD_SIZE", "1") != "1"


def _print_error(problem: Exception) -> None:
    """One error message on standard error, with the rank in front where there are several."""
    rank = "" if not _is_one_of_several() else f"rank {os.environ.get('RANK', '0')} of {os.environ['WORLD_SIZE']}: "
    Output().error(f"{rank}{problem}")


def _run(words: list[str]) -> Output:
    """Run one command and return the output that it printed to."""
    if words[:1] == ["help"] and words[1:2] and words[1] in COMMANDS:  # gpt25 help train
        words = [words[1], "--help"]
    if not words or words[0] in ("--help", "-h", "help"):
        print(help_text())
    elif words[0] == "--version":
        print(f"gpt25 {__version__}")
    elif words[0] in COMPLETION_FLAGS:
        _complete(words[0], words[1:])
    elif words[0] not in COMMANDS:
        from gpt25.cli.shell.unknown_word import unknown_word

        raise unknown_word(words, COMMANDS, ("--help", "--version", *COMPLETION_FLAGS))
    else:
        from gpt25.cli.captured_warnings import captured_warnings
        from gpt25.cli.parsing import parse
        from gpt25.storage.paths.path_questions import require_working_directory
        from gpt25.storage.removed_if_unused import removed_if_unused

        require_working_directory()  # Intel's library, for one, ends the process without one
        command = import_module(f"gpt25.cli.commands.{words[0]}")
        arguments = parse(command, words[0], words[1:])
        if arguments is not None:
            output = Output(json=arguments.json, quiet=not _is_first_rank())
            try:
                # A file's folder is made before the work, so that the work is not in vain; what fails leaves none.
                with captured_warnings(output), removed_if_unused(_folder_of_output(arguments)):
                    command.run(arguments, output)
            except GPT25Error as problem:
                problem.args = (_with_flag_names(str(problem), command, words),)
                raise
            return output
    return Output()


def _folder_of_output(arguments: object) -> Path:
    """Where the file or the directory is to be that the command makes; the working directory where it makes none."""
    path = getattr(arguments, "output", None)
    return path.parent if isinstance(path, Path) else Path()


def _with_flag_names(message: str, command: ModuleType, words: list[str]) -> str:
    """A message that begins with the name of a field, with the flag that was typed instead."""
    from gpt25.cli.parsing import known_flags
    from gpt25.cli.words.flag_names import with_flag_names

    return with_flag_names(message, known_flags(command, words[0], words[1:]))


def _attempt(words: list[str], streams: StandardStreams) -> tuple[int, Output]:
    """Run one command; returns its exit code, with errors already reported, and the output that it printed to."""
    try:
        return 0, _run(words)
    except GPT25Error as problem:
        _print_error(problem)
        return problem.exit_code, Output()
    except Interrupted as stop:
        Output().note(str(stop))
        return stop.exit_code, Output()
    except KeyboardInterrupt:
        Output().note("stopped")
        return 130, Output()
    except Exception as problem:
        if problem is streams.output.problem:  # the result has no reader: whoever was writing it has given up
            return 0, Output()
        Output().note(traceback.format_exc().rstrip("\n"))
        return 1, Output()


def main(words: list[str] | None = None) -> int:
    """Run one command; `words` defaults to the process's own. Returns the exit code.

    No output that fails ends the command: it does its work, and what could not be
    written, and whether that was the result, is accounted for at the end.
    """
    with StandardStreams.taken() as streams:
        exit_code, output = _attempt(sys.argv[1:] if words is None else words, streams)
        return exit_code_of_delivery(streams, output, exit_code=exit_code)


def entry_point() -> None:
    """What the installed command calls: `main`, then the process ends with its exit code.

    One of several ranks ends without the interpreter's shutdown. In it, torch's threads for gloo now and then abort the
    process ("terminate called without an active exception") although all work is done, and torchrun would take that
    for a failure of the run. Files are closed, locks released and both streams flushed before.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without UTF-8 gets "?" instead of a crash
    try:
        exit_code = main()
    except KeyboardInterrupt:  # between the moments that `main` minds
        exit_code = 130
    if _is_one_of_several():
        os._exit(exit_code)
    sys.exit(exit_code)
