"""A model into one file for other programs: GGUF, which llama.cpp and what is built on it load.

Hugging Face needs no export: its directories are this package's own format.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from gpt25.cli.output import Output
from gpt25.records import offered_command
from gpt25.storage import require_output_file, resolved
from gpt25.weights import export_gguf, load_pretrained, require_gguf
from gpt25.weights.gguf.gguf_export import GGUFSummary

_TRIAL_TOKENS = 40
_LLAMA_CONTEXT_STEP = 256  # llama.cpp rounds every context up to a multiple of this


@dataclass(frozen=True)
class Arguments:
    """The arguments of `gpt25 export`."""

    model: tyro.conf.Positional[str]
    """A size name (gpt2, gpt2-medium, gpt2-large, gpt2-xl), a Hub id owner/name, a Hugging Face directory or a run."""
    output: Path
    """The file to write; it appears when it is whole."""
    format: Literal["gguf"] = "gguf"
    """gguf: one file with weights and vocabulary, for llama.cpp."""
    type: Literal["float16", "bfloat16", "q8_0", "float32"] = "float16"
    """How matrices are kept; q8_0 takes half of float16. Layer norms, biases and positions are always float32."""
    name: str | None = None
    """What the file calls the model; the last part of MODEL unless given."""
    overwrite: bool = False
    """Replace a file that is already there."""
    checkpoint: str = "newest"
    """Which checkpoint of a run: newest, best or the number of an update."""
    revision: str | None = None
    """Which branch, tag or commit of a Hub repository."""
    json: bool = False
    """Print one JSON object on standard output."""


def run(arguments: Arguments, output: Output) -> None:
    """Load the model, write the file, and say what is in it and how to try it."""
    require_gguf()
    require_output_file(arguments.output, overwrite=arguments.overwrite)
    model, tokenizer = load_pretrained(arguments.model, checkpoint=arguments.checkpoint, revision=arguments.revision)
    shape = model.configuration
    spare_rows = 0 if tokenizer is None else shape.vocabulary_size - tokenizer.vocabulary_size
    values = sum(parameter.numel() for parameter in model.parameters())
    values -= spare_rows * shape.number_of_embedding_dimensions
    with output.progress("exporting", values, "values") as progress:
        summary = export_gguf(
            model,
            tokenizer,
            arguments.output,
            dtype_name=arguments.type,
            name=arguments.name or _short_name(arguments.model),
            overwrite=arguments.overwrite,
            progress=progress.advance,
        )
    for remark in _remarks(summary, shape.block_size):
        output.note(remark)
    content = {
        "output": arguments.output,
        "format": arguments.format,
        "type": arguments.type,
        "bytes": summary.number_of_bytes,
        "tensors": summary.tensors_by_type,
        "fallbacks": summary.fallbacks,
        "rows_left_out": summary.rows_left_out,
        "model": arguments.model,
    }
    output.result(content, _in_words(arguments, summary, shape.block_size), kept=arguments.output)


def _short_name(word: str) -> str:
    """What to call a model: the last part of a directory's path or a Hub id, so that no path gets into the file."""
    return Path(word).name or resolved(word).name


def _remarks(summary: GGUFSummary, block_size: int) -> list[str]:
    """What a user would not expect of the file."""
    remarks = []
    if summary.fallbacks:
        remarks.append(
            f"kept in float16, because their rows are no multiple of 32 values: {', '.join(summary.fallbacks)}"
        )
    if summary.rows_left_out:
        remarks.append(f"left out: {summary.rows_left_out:,} spare rows of the embeddings, beyond the tokenizer's ids")
    if block_size % _LLAMA_CONTEXT_STEP:
        rounded = block_size + -block_size % _LLAMA_CONTEXT_STEP
        remarks.append(
            f"llama.cpp makes room for {rounded:,} tokens and aborts when more than this model's {block_size:,} "
            "are used"
        )
    return remarks


def _in_words(arguments: Arguments, summary: GGUFSummary, block_size: int) -> str:
    tensors = ", ".join(f"{count:,} tensors as {name}" for name, count in summary.tensors_by_type.items())
    tokens = min(_TRIAL_TOKENS, block_size // 2)
    flags = ("--temp", "0", "-n", str(tokens), "-p", "Hello,")
    trial = offered_command("llama-completion", "-m", arguments.output, *flags)
    return (
        f"{arguments.output}: {summary.number_of_bytes:,} bytes, {tensors}, and the tokenizer.\n"
        f"Continue a text with llama.cpp, at most {block_size:,} tokens in all:\n  {trial}"
    )
