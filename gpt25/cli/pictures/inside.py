"""`gpt25 plot inside`: one prompt through every operation of a model, as a page."""

from dataclasses import dataclass
from pathlib import Path

import tyro

from gpt25.cli.output import Output
from gpt25.errors import PlotError
from gpt25.plots import draw_inside, require_picture_file


@dataclass(frozen=True)
class Inside:
    """Write a page that follows one prompt through every operation of a model, from token ids to the next token.

    With the shapes and the numbers at every step, the attention of any head, what each layer would say, who wrote the
    answer, and how long the residual stream is. One file that opens without a network.
    """

    model: tyro.conf.Positional[str]
    """A size name (gpt2, gpt2-medium, gpt2-large, gpt2-xl), a Hub id owner/name, a Hugging Face directory or a run."""
    output: Path
    """The page to write, a .html file."""
    prompt: str = ""
    """The text that the model reads; empty is <|endoftext|> alone."""
    checkpoint: str = "newest"
    """Which checkpoint of a run: newest, best or the number of an update."""
    revision: str | None = None
    """Which branch, tag or commit of a Hub repository."""
    json: bool = False
    """Print one JSON object on standard output."""


def run(arguments: Inside, output: Output) -> None:
    """Check where the page goes, read the prompt with the model, write."""
    if require_picture_file(arguments.output) != "html":
        raise PlotError(f"{arguments.output.name} is not a page; this picture is one, and its file ends in .html.")
    from gpt25.figures.circuits.inside import inside_of
    from gpt25.figures.model_labels import model_labels
    from gpt25.figures.opened import opened
    from gpt25.weights import load_pretrained

    model, tokenizer = load_pretrained(arguments.model, checkpoint=arguments.checkpoint, revision=arguments.revision)
    (name,) = model_labels([arguments.model])
    inside = inside_of(opened(model, tokenizer=tokenizer, name=name), arguments.prompt)
    draw_inside(inside, arguments.output)
    content = {
        "output": arguments.output,
        "model": arguments.model,
        "prompt": arguments.prompt,
        "token_ids": inside.token_ids,
        "tokens": list(inside.tokens),
        "operations": [
            {"title": each.title, "layer": each.layer, "shape": list(each.shape)} for each in inside.operations
        ],
        "next": [{"token": label, "probability": share} for label, share in inside.candidates[-1][-1]],
    }
    output.result(content, f"The page is {arguments.output}; open it in a browser.", kept=arguments.output)
