"""What the pictures of a model's parts share: flags, a picture of one model, and lines over a run's checkpoints."""

from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tyro

from gpt25.cli.open_run import open_run
from gpt25.cli.output import Output
from gpt25.errors import ConfigurationError
from gpt25.plots import draw_checkpoint_lines, draw_heat_maps
from gpt25.records import RunDirectory

if TYPE_CHECKING:
    from gpt25.figures.circuits.look import Question
    from gpt25.figures.opened import OpenedModel


@dataclass(frozen=True, kw_only=True)
class OfModel:
    """The flags that every one of these pictures has."""

    model: tyro.conf.Positional[str]
    """A size name (gpt2, gpt2-medium, gpt2-large, gpt2-xl), a Hub id owner/name, a Hugging Face directory or a run."""
    output: Path
    """The file to write: .png, .svg, or .html to point at."""
    over_checkpoints: bool = False
    """Draw it over the checkpoints that the run keeps, as lines, in place of one model."""
    checkpoint: str = "newest"
    """Which checkpoint of a run: newest, best or the number of an update."""
    revision: str | None = None
    """Which branch, tag or commit of a Hub repository."""
    json: bool = False
    """Print one JSON object on standard output."""


@dataclass(frozen=True, kw_only=True)
class OfPrompt(OfModel):
    """The same with a prompt."""

    prompt: str = ""
    """The text that the model reads; empty is <|endoftext|> alone."""


def open_model(arguments: OfModel) -> "OpenedModel":
    """The model that was named; with --over-checkpoints it must be a run, whose newest checkpoint this is."""
    from gpt25.figures.model_labels import model_labels
    from gpt25.figures.opened import opened
    from gpt25.weights import load_pretrained

    if arguments.over_checkpoints:
        if not RunDirectory.is_run(arguments.model):
            raise ConfigurationError(f"{arguments.model} is not a run, so it has no checkpoints to go over.")
        if arguments.checkpoint != "newest":
            raise ConfigurationError("--over-checkpoints goes over all that the run keeps; leave --checkpoint out.")
    model, tokenizer = load_pretrained(arguments.model, checkpoint=arguments.checkpoint, revision=arguments.revision)
    (name,) = model_labels([arguments.model])
    return opened(model, tokenizer=tokenizer, name=name)


def answer(arguments: OfModel, output: Output, given: "OpenedModel", question: "Question", what: str) -> None:
    """Draw a look at the model, or its figures over the run, and say where; `what` is a plural, as "The scores"."""
    from gpt25.figures.circuits.look import untold

    content: dict[str, Any] = {"output": arguments.output, "model": arguments.model}
    if isinstance(arguments, OfPrompt):
        token_ids, labels = given.read(arguments.prompt)
        content |= {"prompt": arguments.prompt, "token_ids": token_ids, "tokens": labels}
    if arguments.over_checkpoints:
        content |= _over_checkpoints(arguments, output, question)
    else:
        with output.progress("looking", question.runs, "runs") if question.runs else nullcontext() as progress:
            look = question.look(given, untold if progress is None else progress.advance)
        draw_heat_maps(look.maps, arguments.output)
        if not output.json:
            output.say(look.maps.line)
            for heading, lines in look.maps.notes:
                output.table(heading, ("text",), [(line,) for line in lines])
        content |= look.found
    output.result(content, f"{what} are drawn in {arguments.output}.", kept=arguments.output)


def _over_checkpoints(arguments: OfModel, output: Output, question: "Question") -> dict[str, Any]:
    from gpt25.figures.circuits.over_checkpoints import checkpoint_lines

    run = open_run(arguments.model)
    with output.progress("looking", len(run.checkpoints()), "checkpoints") as progress:
        lines = checkpoint_lines(
            run,
            question.measure,
            title=question.title,
            line=question.line,
            label=question.label,
            progress=progress.advance,
        )
    draw_checkpoint_lines(lines, arguments.output)
    if not output.json:
        output.say(lines.line)
    return {"updates": lines.updates, "label": lines.label, "lines": lines.values}
