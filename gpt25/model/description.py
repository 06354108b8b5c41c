"""A model in a line, and as a table of its parts: what the repr of a GPTModel says."""

from gpt25.counted import counted
from gpt25.markup import notebook_table
from gpt25.model.accounting import Accounting
from gpt25.model.configuration import GPTConfiguration


def one_line(shape: GPTConfiguration, *, precision: str, device: str) -> str:
    """GPTModel(124,439,808 parameters: 12 layers, 12 heads, 768 channels, block size 1,024, …, float32 on cpu)."""
    return (
        f"GPTModel({Accounting(shape).parameters:,} parameters: {counted(shape.number_of_layers, 'layers')}, "
        f"{counted(shape.number_of_heads, 'heads')}, {counted(shape.number_of_embedding_dimensions, 'channels')}, "
        f"block size {shape.block_size:,}, vocabulary {shape.vocabulary_size:,}; {precision} on {device})"
    )


def parts_table(shape: GPTConfiguration, *, precision: str, device: str) -> str:
    """The parts from the bottom to the top, each with its size and its parameters, as HTML."""
    channels, layers = shape.number_of_embedding_dimensions, shape.number_of_layers
    accounting = Accounting(shape)
    rows = [
        ("token embeddings", f"{shape.vocabulary_size:,} × {channels:,}", shape.vocabulary_size * channels),
        ("positional embeddings", f"{shape.block_size:,} × {channels:,}", shape.block_size * channels),
        (
            f"{layers:,} block{'' if layers == 1 else 's'}",
            f"{counted(shape.number_of_heads, 'heads')} of {counted(channels // shape.number_of_heads, 'channels')} "
            "in each",
            layers * accounting.parameters_of_one_block,
        ),
        ("final layer norm", f"{channels:,}, weights and biases", 2 * channels),
        ("head", "the token embeddings' own matrix", 0),
        ("together", "", accounting.parameters),
    ]
    title = f"GPTModel in {precision} on {device}"
    return notebook_table(title, rows, columns=("part", "size", "parameters"))
