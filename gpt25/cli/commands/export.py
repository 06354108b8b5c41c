"""A model for other programs: one GGUF file for llama.cpp, or the folder that `gpt25 push` sends to the Hub.

Hugging Face's directories are this package's own format. hugging-face leaves out what only training needs, and adds a
model card and the picture of the losses.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from gpt25.cli.output import Output
from gpt25.errors import ConfigurationError
from gpt25.plots.formatting import size
from gpt25.recipes.sharing.model_card import CARD_NAME, PICTURE_NAME
from gpt25.records import in_this_shell, offered_command
from gpt25.storage import require_output_file, resolved
from gpt25.storage.paths.storage_error import shown
from gpt25.weights import require_model

if TYPE_CHECKING:
    from gpt25.weights.gguf.gguf_export import GGUFSummary

_TRIAL_TOKENS = 40
_LLAMA_CONTEXT_STEP = 256  # llama.cpp rounds every context up to a multiple of this


@dataclass(frozen=True)
class Arguments:
    """The arguments of `gpt25 export`."""

    model: tyro.conf.Positional[str]
    """A size name (gpt2, gpt2-medium, gpt2-large, gpt2-xl), a Hub id owner/name, a Hugging Face directory or a run."""
    output: Path
    """The file to write, or the directory; it appears when it is whole."""
    format: Literal["gguf", "hugging-face"] = "gguf"
    """gguf: one file with weights and vocabulary, for llama.cpp. hugging-face: a directory for transformers."""
    type: Literal["float16", "bfloat16", "q8_0", "float32"] | None = None
    """How weights are kept; none is float16 in gguf, and in hugging-face what they are. q8_0 (of gguf) takes half of
    float16. In gguf layer norms, biases and positions are always float32."""
    name: str | None = None
    """What the file or the card calls the model; the last part of MODEL, or of a directory's path, unless given."""
    licence: Annotated[str | None, tyro.conf.arg(aliases=("--license",))] = None
    """What the weights are given away under, for hugging-face's card: mit, apache-2.0, …; none says nothing."""
    prompt: str | None = None
    """What the examples of hugging-face's card go on with; unless given, the samples' prompt of a model trained on a
    published set, and a neutral word of one on texts of your own."""
    overwrite: bool = False
    """Replace a file or a model directory that is already there."""
    checkpoint: str = "newest"
    """Which checkpoint of a run: newest, best or the number of an update."""
    revision: str | None = None
    """Which branch, tag or commit of a Hub repository."""
    json: bool = False
    """Print one JSON object on standard output."""


def run(arguments: Arguments, output: Output) -> None:
    """Load the model, write the file or the directory, and say what is in it and how to try it."""
    if arguments.format == "hugging-face":
        _to_hugging_face(arguments, output)
    else:
        _to_gguf(arguments, output)


def _to_hugging_face(arguments: Arguments, output: Output) -> None:
    """Write the folder that others get."""
    from gpt25.recipes.sharing.export_model_folder import export_model_folder
    from gpt25.weights.save import require_output_directory

    if arguments.type == "q8_0":
        raise ConfigurationError("--type q8_0 is of gguf; a Hugging Face directory holds float32, bfloat16 or float16.")
    require_output_directory(arguments.output, overwrite=arguments.overwrite, also=(CARD_NAME, PICTURE_NAME))
    _require_model(arguments)
    name = arguments.name or _short_name(str(arguments.output))
    folder = export_model_folder(
        arguments.model,
        arguments.output,
        name=name,
        dtype_name=arguments.type,
        checkpoint=arguments.checkpoint,
        revision=arguments.revision,
        licence=arguments.licence,
        prompt=arguments.prompt,
        reporter=output,
    )
    if folder.left_out:
        output.note(f"left out: {', '.join(folder.left_out)}")
    content = {
        "output": arguments.output,
        "format": arguments.format,
        "type": arguments.type,
        "files": [{"name": name, "bytes": number} for name, number in folder.sizes.items()],
        "model": arguments.model,
    }
    trial = in_this_shell(offered_command("gpt25", "generate", arguments.output))
    push = in_this_shell(offered_command("gpt25", "push", arguments.output, "OWNER/NAME"))
    files = f"{len(folder.files)} files of {size(sum(folder.sizes.values()))}"
    words = f"{shown(arguments.output)}: {files}, which transformers loads.\nTry it: {trial}\nShare it: {push}"
    if arguments.name is None:
        words += f"\nIts card loads it as {name!r}; with --name OWNER/NAME it says where the model will be."
    output.result(content, words, kept=arguments.output)


def _to_gguf(arguments: Arguments, output: Output) -> None:
    """Write one file for llama.cpp."""
    for flag, value in (("--licence", arguments.licence), ("--prompt", arguments.prompt)):
        if value is not None:
            raise ConfigurationError(f"{flag} is of hugging-face's model card; a GGUF file here carries none.")
    require_output_file(arguments.output, overwrite=arguments.overwrite)
    _require_model(arguments)
    from gpt25.weights import export_gguf, load_pretrained, require_gguf

    require_gguf()
    dtype_name = arguments.type or "float16"
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
            dtype_name=dtype_name,
            name=arguments.name or _short_name(arguments.model),
            overwrite=arguments.overwrite,
            progress=progress.advance,
        )
    for remark in _remarks(summary, shape.block_size):
        output.note(remark)
    content = {
        "output": arguments.output,
        "format": arguments.format,
        "type": dtype_name,
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


def _require_model(arguments: Arguments) -> None:
    """After what stands at the output, before much is imported: a word that means no model is refused at once."""
    require_model(arguments.model, checkpoint=arguments.checkpoint, revision=arguments.revision)


def _remarks(summary: "GGUFSummary", block_size: int) -> list[str]:
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


def _in_words(arguments: Arguments, summary: "GGUFSummary", block_size: int) -> str:
    tensors = ", ".join(f"{count:,} tensors as {name}" for name, count in summary.tensors_by_type.items())
    tokens = min(_TRIAL_TOKENS, block_size // 2)
    flags = ("--temp", "0", "-n", str(tokens), "-p", "Hello,")
    trial = offered_command("llama-completion", "-m", arguments.output, *flags)
    return (
        f"{shown(arguments.output)}: {summary.number_of_bytes:,} bytes, {tensors}, and the tokenizer.\n"
        f"Continue a text with llama.cpp, at most {block_size:,} tokens in all:\n  {trial}"
    )
