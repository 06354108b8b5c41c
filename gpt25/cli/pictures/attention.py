"""`gpt25 plot attention`: where the heads look."""

from dataclasses import dataclass
from pathlib import Path

import tyro

from gpt25.cli.output import Output
from gpt25.plots import draw_attention, require_picture_file
from gpt25.weights import require_model


@dataclass(frozen=True)
class Attention:
    """Draw which earlier tokens each token of a prompt draws from: one head, or all of them in a grid."""

    model: tyro.conf.Positional[str]
    """A size name (gpt2, gpt2-medium, gpt2-large, gpt2-xl), a Hub id owner/name, a Hugging Face directory or a run."""
    output: Path
    """The file to write: .png, .svg, or .html to choose heads and point at tokens."""
    prompt: str = ""
    """The text that the model reads; empty is <|endoftext|> alone."""
    layer: int | None = None
    """One layer, from 0; all of them without it."""
    head: int | None = None
    """One head of a layer, from 0; all of them without it."""
    checkpoint: str = "newest"
    """Which checkpoint of a run: newest, best or the number of an update."""
    revision: str | None = None
    """Which branch, tag or commit of a Hub repository."""
    json: bool = False
    """Print one JSON object on standard output."""


def run(arguments: Attention, output: Output) -> None:
    """Check where the picture goes, read the prompt with the model, draw."""
    require_picture_file(arguments.output)
    require_model(arguments.model, checkpoint=arguments.checkpoint, revision=arguments.revision)
    from gpt25.figures.attention import attention_of
    from gpt25.figures.model_labels import model_labels
    from gpt25.figures.opened import opened
    from gpt25.inspection import prompt_tokens
    from gpt25.weights import load_pretrained

    model, tokenizer = load_pretrained(arguments.model, checkpoint=arguments.checkpoint, revision=arguments.revision)
    token_ids = prompt_tokens(model, tokenizer, arguments.prompt)
    (name,) = model_labels([arguments.model])
    drawn = attention_of(opened(model, tokenizer=tokenizer, name=name), token_ids, arguments.layer, arguments.head)
    draw_attention(drawn, arguments.output)
    content = {
        "output": arguments.output,
        "model": arguments.model,
        "prompt": arguments.prompt,
        "token_ids": token_ids,
        "tokens": list(drawn.tokens),
        "layers": list(drawn.layers),
        "heads": list(drawn.heads),
    }
    output.result(content, f"The attention is drawn in {arguments.output}.", kept=arguments.output)
