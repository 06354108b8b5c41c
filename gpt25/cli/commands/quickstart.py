"""Train a small GPT-2 from scratch: offline, in minutes, with samples and a loss graph.

On texts of your own (gpt25 quickstart --texts my-texts/), or on Python's own library. Vocabulary, size and length suit
the text and this machine. Interrupted, the same command goes on where it stopped. Done, it shows the result again.
"""

import dataclasses
from pathlib import Path

import tyro

from gpt25.cli.output import Output
from gpt25.data import ReadingSettings
from gpt25.tokenizer import SpecialTokens

OTHER_FLAGS = {"--policy": "--invalid-utf8"}
"""What the flags for texts are also called."""


@dataclasses.dataclass(frozen=True)
class Arguments:
    """What to train, and for how long."""

    texts: tuple[str, ...] = ()
    """Text files, folders, globs, JSON lines (.jsonl), CSV, Parquet; Python's standard library without any."""
    run: Path | None = None
    """Directory of the run: data, checkpoints, loss.png and report.html. runs/quickstart unless given; with texts, the
    name of the first of them in runs/."""
    minutes: float = 3.0
    """How long to train on this machine; a run that resumes keeps its length, and a small text takes less."""
    reading: tyro.conf.OmitArgPrefixes[ReadingSettings] = dataclasses.field(default_factory=ReadingSettings)
    special_tokens: SpecialTokens = "text"
    """What the name of a special token in the text, such as <|endoftext|>, is: text, or parse: that token."""
    json: bool = False
    """Print one JSON object on standard output."""


def run(arguments: Arguments, output: Output) -> None:
    """Do the job and print the figures."""
    from gpt25.recipes import quickstart

    run = Path("runs") / _name_of(arguments.texts) if arguments.run is None else arguments.run
    summary = quickstart(
        run,
        minutes=arguments.minutes,
        reporter=output,
        texts=arguments.texts,
        reading=arguments.reading,
        special_tokens=arguments.special_tokens,
    )
    output.result({"run": run, **summary.as_json()}, kept=run)


def _name_of(texts: tuple[str, ...]) -> str:
    """The run's name where none is given: _name_of(("notes/*.md",)) -> "notes"."""
    if not texts:
        return "quickstart"
    parts = Path(texts[0]).absolute().parts[1:] if texts[0] in (".", "./") else Path(texts[0]).parts
    plain = [part for part in parts if part not in ("..", "/") and not any(mark in part for mark in "*?[:")]
    return plain[-1].partition(".")[0] or "texts" if plain else "texts"
