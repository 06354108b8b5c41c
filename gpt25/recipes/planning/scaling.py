"""How many GPUs a recipe can use: an update's computation, the exchange behind it, and what of that stays exposed."""

import dataclasses
import math

from gpt25.model import Accounting
from gpt25.recipes.planning.memory_plan import USABLE_FRACTION
from gpt25.recipes.planning.micro_batch import with_automatic_rows
from gpt25.references.gpu_specifications import GPU_SPECIFICATIONS, MODEL_FLOPS_UTILISATION
from gpt25.runtime import Ranks
from gpt25.training import TrainingConfiguration
from gpt25.training.loop.accumulation import fitting_micro_batch_rows
from gpt25.training.optimizers.orthogonalisation_rounds import (
    OrthogonalisationRound,
    orthogonalisation_group_size,
    orthogonalisation_rounds,
)
from gpt25.training.optimizers.orthogonalise import orthogonalisation_operations

LEAST_EFFICIENCY = 0.75  # of linear scaling: below it, a quarter of the money buys nothing
GPUS_PER_NODE = 8
LINK_UTILISATION = 0.8  # of a link's rate; what NCCL's own tests reach on large messages
NVLINK_BYTES_PER_SECOND = 450e9  # of one H100, in each direction: NVIDIA H100 data sheet, 900 GB/s both ways
NETWORK_BYTES_PER_SECOND = 50e9  # of one GPU's own 400 Gbit/s adapter: NVIDIA DGX H100 data sheet, eight in a node
MEMORY_BYTES_PER_SECOND = 3.35e12  # of one H100: NVIDIA H100 data sheet, SXM
STEP_SECONDS = 5e-6  # assumed: one hop of a collective, counted 2 log2(GPUs) times for each
BUCKET_BYTES = 25 * 2**20  # gradients that DistributedDataParallel averages at once, torch's default
ADAMW_BYTES = 28  # a parameter: reads weight, gradient and two averages, writes all but the gradient; 4 B each
BACKWARD_SHARE = 2 / 3  # of a micro-batch's computation
MUON_BYTES = 2  # an element of an orthogonal matrix on its way: bfloat16

CRITICAL_TOKENS, CRITICAL_EXPONENT = 2.1e8, 0.21
"""Kaplan et al. 2020, "Scaling Laws for Neural Language Models", equation 1.4, in tokens; loss in nats."""


def critical_batch_tokens(loss: float) -> float:
    """Batch at which twice the least tokens reach a loss in twice the least updates: 3.28 nats -> about 0.74 million.

    Source: Kaplan et al. 2020, section 5.1; measured on WebText2, so that another text moves it.
    """
    return CRITICAL_TOKENS / loss ** (1 / CRITICAL_EXPONENT)


@dataclasses.dataclass(frozen=True)
class UpdateTime:
    """The parts of one update on so many GPUs, in seconds."""

    gpus: int
    compute: float
    """Forward and backward of one GPU's rows."""
    optimizer: float
    """AdamW's passes over memory, and Muon's products where the recipe has them."""
    exchange: float
    """Of the gradients, all of it."""
    exposed: float
    """The part of the exchange that no computation overlaps."""

    @property
    def total(self) -> float:
        """Seconds from one update to the next."""
        return self.compute + self.optimizer + self.exposed


def link_bytes_per_second(gpus: int) -> float:
    """What goes through one GPU's ring on the slowest stretch of its way.

    Between nodes the eight rings of a node cross by eight adapters, each with an eighth of the gradients.
    """
    network = NETWORK_BYTES_PER_SECOND * GPUS_PER_NODE
    return LINK_UTILISATION * (NVLINK_BYTES_PER_SECOND if gpus <= GPUS_PER_NODE else network)


def all_reduce_seconds(number_of_bytes: float, gpus: int) -> float:
    """A ring in which every GPU sends 2 (n - 1) / n of the bytes, and the hops before the first byte arrives."""
    if gpus == 1:
        return 0.0
    volume = 2 * (gpus - 1) / gpus * number_of_bytes
    collectives = math.ceil(number_of_bytes / BUCKET_BYTES)
    return volume / link_bytes_per_second(gpus) + collectives * 2 * math.log2(gpus) * STEP_SECONDS


def muon_rounds(configuration: TrainingConfiguration, gpus: int) -> list[OrthogonalisationRound]:
    """What a recipe with Muon orthogonalises in an update, distributed over neighbouring GPUs as training does it."""
    layers, channels = configuration.model.number_of_layers, configuration.model.number_of_embedding_dimensions
    layer = [(channels, channels)] * 4 + [(channels, 4 * channels)] * 2  # query, key and value are three
    group_size = orthogonalisation_group_size(gpus) if configuration.speed.share_orthogonalisation else 1
    return orthogonalisation_rounds(layer * layers, group_size, in_bfloat16=True)


def muon_bytes(configuration: TrainingConfiguration, gpus: int) -> float:
    """Bytes of orthogonal matrices that each GPU sends in an update: by a ring, all of them but one GPU's part."""
    if configuration.optimizer.name != "muon":
        return 0.0
    rounds = muon_rounds(configuration, gpus)
    others = [1 - 1 / len(each.assignments) for each in rounds]
    return sum(MUON_BYTES * each.gathered_elements * part for each, part in zip(rounds, others, strict=True))


def muon_seconds(configuration: TrainingConfiguration, gpus: int, rate: float) -> float:
    """Until all GPUs have all orthogonal matrices: a round travels while the next one is computed.

    The ranks of a group are in one node, so that the matrices go by NVLink, half as far as in an all-reduce.
    """
    computed = arrived = 0.0
    for each in muon_rounds(configuration, gpus):
        group_size = len(each.assignments)
        computed += each.slots * orthogonalisation_operations(*each.shape, in_bfloat16=True) / rate
        transfer = all_reduce_seconds(MUON_BYTES * each.gathered_elements, group_size) / 2
        arrived = max(arrived, computed) + transfer
    return arrived


def micro_batches(configuration: TrainingConfiguration, gpus: int) -> int:
    """Forward and backward passes of one GPU in an update of full size."""
    rows, usable = configuration.rows_per_update, int(USABLE_FRACTION * GPU_SPECIFICATIONS["h100"].memory_bytes)
    sized = with_automatic_rows(configuration, gpus=gpus, usable_bytes=usable, precision="bfloat16")
    return rows // gpus // fitting_micro_batch_rows(sized, Ranks(number_of_ranks=gpus), rows=rows)


def exchanges(configuration: TrainingConfiguration, gpus: int) -> float:
    """How often as many bytes travel as an all-reduce of all parameters sends.

    Once, where weights are replicated. Of sharded ones, a micro-batch gathers them for its forward and again for its
    backward pass and scatters gradients: three times half of an all-reduce.
    """
    return 1.5 * micro_batches(configuration, gpus) if configuration.loop.shard_parameters and gpus > 1 else 1.0


def update_time(configuration: TrainingConfiguration, gpus: int) -> UpdateTime:
    """One update of full size on H100s, eight in a node, at the utilisation that `gpt25 plan` counts on.

    The last micro-batch's backward pass overlaps the exchange of all gradients but the tied embeddings': those are
    complete when it ends. Sharded parameters (loop.shard_parameters) are gathered and averaged in every micro-batch,
    behind all that it computes, and again all but the embeddings.
    """
    accounting = Accounting(configuration.model)
    rate = GPU_SPECIFICATIONS["h100"].peak_flops * MODEL_FLOPS_UTILISATION
    compute = configuration.batch.tokens_per_update * accounting.training_operations_per_token / gpus / rate
    passes = micro_batches(configuration, gpus)
    times = exchanges(configuration, gpus)
    overlapping = compute if configuration.loop.shard_parameters else BACKWARD_SHARE * compute / passes
    late = times * all_reduce_seconds(4 * accounting.embedding_parameters, gpus)
    exchange = times * all_reduce_seconds(4 * accounting.parameters, gpus)
    exposed = late + max(0.0, exchange - late - overlapping)
    parameters_per_gpu = accounting.parameters / (gpus if configuration.loop.shard_parameters else 1)
    optimizer = ADAMW_BYTES * parameters_per_gpu / MEMORY_BYTES_PER_SECOND
    if configuration.optimizer.name == "muon":
        optimizer += muon_seconds(configuration, gpus, rate)
    return UpdateTime(gpus, compute, optimizer, exchange, exposed)


def efficiency(configuration: TrainingConfiguration, gpus: int) -> float:
    """Parallel efficiency of an update on so many GPUs: 1 for one GPU, and for linear scaling."""
    return update_time(configuration, 1).total / (gpus * update_time(configuration, gpus).total)


def most_efficient_gpus(configuration: TrainingConfiguration) -> int:
    """The largest power of two, of those that can share every update's rows, with at least LEAST_EFFICIENCY."""
    rows = math.gcd(*configuration.update_sizes.all_rows)
    powers = [2**power for power in range(rows.bit_length()) if rows % 2**power == 0]
    return max(gpus for gpus in powers if efficiency(configuration, gpus) >= LEAST_EFFICIENCY)
