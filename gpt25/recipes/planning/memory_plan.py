"""How much GPU memory a recipe takes, part by part, by arithmetic alone."""

import dataclasses

from gpt25.counted import counted
from gpt25.model import Accounting
from gpt25.runtime import PrecisionName
from gpt25.training import TrainingConfiguration
from gpt25.training.configuration.speed_configuration import is_on
from gpt25.training.loop.divisors import divisors

# What the compiled forward pass keeps of a token, channel and layer for the backward pass, with flash attention: two
# normalised streams (4 B each), and in the run's precision query, key, value, the attention's result, what goes into
# two layers' products after the layer norms, and the expansion before and after GELU: 14 values. Then the attention's
# 4 B a head of 64 channels. A short stream is in bfloat16 too.
ACTIVATION_BYTES: dict[PrecisionName, float] = {"bfloat16": 2 * 4 + 14 * 2 + 4 / 64, "float32": 2 * 4 + 14 * 4 + 4 / 64}
_SHORT_STREAM_BYTES = 2 * 2  # less
USABLE_FRACTION = 0.9  # of the memory; the rest goes to fragments and to whoever else is there
_LOGIT_POSITIONS = 8192  # the fused loss makes float32 logits for at most so many positions at once on a GPU
_OVERHEAD = 500_000_000  # the CUDA context and the libraries' own space
# What Muon's step holds for an element of its matrices: the update (4 B), and of the oblong matrices, two thirds of all
# elements, a stack, the same scaled, and the result (3 x 4 B x 2/3), with some Gram matrices (2 B). In bfloat16 less.
MUON_STEP_BYTES = 14
CAUTIOUS_STEP_BYTES = 8  # AdamW's old weight and its decay


@dataclasses.dataclass(frozen=True)
class MemoryPart:
    """One part and the product that it comes from."""

    name: str
    number_of_bytes: int
    arithmetic: str


def memory_parts(
    configuration: TrainingConfiguration, rows: int, *, gpus: int = 1, precision: PrecisionName = "bfloat16"
) -> list[MemoryPart]:
    """What one of so many GPUs holds when `rows` rows make a micro-batch that is computed in that precision.

    Every GPU has all weights, gradients and averages; with loop.shard_parameters it has its shard of them, and
    gathers what it computes with just then.
    """
    shape = configuration.model
    channels, layers, block = shape.number_of_embedding_dimensions, shape.number_of_layers, shape.block_size
    parameters = Accounting(shape).parameters
    matrices = 12 * layers * channels**2 if configuration.optimizer.name == "muon" else 0
    # NorMuon's mean squares: a row for each neuron of query, key and value (3 C), two projections (C each) and the
    # expansion (4 C).
    neurons = 9 * layers * channels if matrices and configuration.optimizer.muon_beta_2 is not None else 0
    matrix_bytes = 4 + _preconditioning_bytes(configuration)
    optimizer = 8 * (parameters - matrices) + matrix_bytes * matrices + 4 * neurons
    arithmetic = f"8 B x {parameters - matrices:,}" + (f" + {matrix_bytes} B x {matrices:,}" if matrices else "")
    arithmetic += f" + 4 B x {neurons:,} neurons" if neurons else ""
    shards = gpus if configuration.loop.shard_parameters else 1
    division = f" / {shards} GPUs" if shards > 1 else ""
    averages = configuration.loop.average_last_fraction > 0  # of the weights, over the last updates
    positions = min(rows * block, _LOGIT_POSITIONS)
    logits = 4 * positions * shape.vocabulary_size
    kept = _kept_for_backward(configuration, rows, precision)
    freed = logits + sum(part.number_of_bytes for part in kept)
    return [
        MemoryPart("weights", 4 * parameters // shards, f"4 B x {parameters:,}{division}"),
        MemoryPart("gradients", 4 * parameters // shards, f"4 B x {parameters:,}{division}"),
        MemoryPart("optimizer", optimizer // shards, f"{arithmetic}{division}"),
        *([MemoryPart("average", 4 * parameters // shards, f"4 B x {parameters:,}{division}")] if averages else []),
        *([_gathered(Accounting(shape))] if shards > 1 else []),
        *kept,
        MemoryPart(
            "loss and CUDA",
            logits + _OVERHEAD,
            f"4 B x {positions:,} positions x {shape.vocabulary_size:,} tokens + 0.5 GB",
        ),
        *_more_in_the_step(configuration, matrices, (parameters - matrices) // shards, freed),
    ]


def _kept_for_backward(configuration: TrainingConfiguration, rows: int, precision: PrecisionName) -> list[MemoryPart]:
    """What the compiled forward pass of the blocks leaves for the backward pass: values of tokens, and of matrices."""
    shape = configuration.model
    channels, layers, block = shape.number_of_embedding_dimensions, shape.number_of_layers, shape.block_size
    per_value = ACTIVATION_BYTES[precision]
    if precision == "bfloat16" and configuration.speed.short_residual_stream:
        per_value -= _SHORT_STREAM_BYTES
    activations = MemoryPart(
        "activations",
        int(per_value * channels * layers * block * rows),
        f"{per_value:.1f} B x {channels:,} channels x {counted(layers, 'layers')} x {block:,} tokens x "
        f"{counted(rows, 'rows')}",
    )
    if precision == "float32":
        return [activations]
    matrices = 12 * layers * channels**2
    return [activations, MemoryPart("weights in bfloat16", 2 * matrices, f"2 B x {matrices:,} of the blocks")]


def _more_in_the_step(
    configuration: TrainingConfiguration, matrices: int, others: int, freed_bytes: int
) -> list[MemoryPart]:
    """What the optimizers' step needs beyond the bytes of activations, copies and logits, which are gone by then.

    matrices, others: the elements that Muon and AdamW move. Distributed over ranks, Muon needs less: what is
    exchanged is smaller than the stacks that a rank does not make.
    """
    # Where figures are read late, a step that the device may have to skip keeps a copy of what SOAP's state was.
    kept = _preconditioning_bytes(configuration) if is_on(configuration.speed.read_late, device_type="cuda") else 0
    each = MUON_STEP_BYTES + kept if matrices else 0
    cautious = CAUTIOUS_STEP_BYTES if configuration.optimizer.cautious_weight_decay else 0
    per_element, elements = max((each, matrices), (cautious, others), key=lambda pair: pair[0] * pair[1])
    more = per_element * elements - freed_bytes
    if more <= 0:
        return []
    return [MemoryPart("more in the step", more, f"{per_element} B x {elements:,} less activations, copies and logits")]


def _preconditioning_bytes(configuration: TrainingConfiguration) -> int:
    """SOAP's state for an element of Muon's matrices, which are 12 C² in a layer of C channels.

    A square (4 B), and its part of a covariance and a basis for rows and for columns: 2 x 2 C² values for each of
    query, key, value and the attention's projection, 2 x 17 C² for the expansion and for its projection, 84 C² in all.
    """
    return 4 + 4 * 84 // 12 if configuration.optimizer.muon_soap_beta_2 is not None else 0


def _gathered(accounting: Accounting) -> MemoryPart:
    """What is gathered at once, weights and gradients: the tied embeddings, a block, and the next one on its way."""
    embeddings, block = accounting.embedding_parameters, accounting.parameters_of_one_block
    return MemoryPart(
        "gathered",
        8 * (embeddings + 2 * block),
        f"8 B x ({embeddings:,} of the embeddings + 2 blocks x {block:,})",
    )


def needed_bytes(
    configuration: TrainingConfiguration, rows: int, *, gpus: int = 1, precision: PrecisionName = "bfloat16"
) -> int:
    """The sum of the parts."""
    return sum(part.number_of_bytes for part in memory_parts(configuration, rows, gpus=gpus, precision=precision))


def largest_micro_batch(
    configuration: TrainingConfiguration,
    *,
    gpus: int,
    usable_bytes: int,
    precision: PrecisionName = "bfloat16",
    most: int | None = None,
) -> int | None:
    """Most rows, up to `most`, that fit and divide a GPU's rows of an update; None where not even one row fits."""
    rows_per_gpu = configuration.rows_per_update // gpus
    fitting = (
        rows
        for rows in reversed(divisors(rows_per_gpu))
        if (most is None or rows <= most)
        and needed_bytes(configuration, rows, gpus=gpus, precision=precision) <= usable_bytes
    )
    return next(fitting, None)
