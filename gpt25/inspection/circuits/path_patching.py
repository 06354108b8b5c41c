"""Path patching: which earlier part of a model speaks directly to a later one."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gpt25.errors import InspectionError
from gpt25.inspection.activations.record import record
from gpt25.inspection.circuits.prompt_pair import PromptPair
from gpt25.inspection.circuits.restored_shares import restored_shares
from gpt25.model import GPTModel, evaluating
from gpt25.model.block import Block

LOGITS = "logits"
"""The receiver that stands for the head behind the last layer."""
_RECEIVER = re.compile(r"transformer\.hidden\.(\d+)\.(attention(?:\.(query|key|value))?|multi_layer_perceptron)")
_PLACE = {"query": 0, "key": 1, "value": 2}
_ALL = slice(None)


@dataclass(frozen=True)
class PathPatching:
    """What each direct path into the receiver restores: 0 nothing, 1 the whole answer; NaN where there is no path."""

    pair: PromptPair
    receiver: str
    embeddings: NDArray[np.float64]
    """(time): the embeddings at one position."""
    attention: NDArray[np.float64]
    """(layers, time): what the attention of a layer adds at one position."""
    multi_layer_perceptron: NDArray[np.float64]
    """(layers, time): likewise of the perceptron."""
    heads: NDArray[np.float64]
    """(layers, heads): what one head adds, at all positions."""


def path_patching(
    model: GPTModel, pair: PromptPair, *, receiver: str = LOGITS, receiver_head: int | None = None
) -> PathPatching:
    """Let a receiver read what one sender would have written for the clean prompt, all between them unchanged.

    In the residual stream the writings of all parts add up. So the receiver, on the corrupted prompt, gets its own
    input plus what the sender writes for the clean prompt less what it writes for the corrupted one; nobody else does.
    From the receiver on the model runs as always.

    receiver: "logits", "transformer.hidden.{i}.attention" (its queries, keys and values),
    "transformer.hidden.{i}.attention.query" (or key, or value), or "transformer.hidden.{i}.multi_layer_perceptron".
    receiver_head: for queries, keys or values, one head of theirs. Raises InspectionError for others.

    Source: Wang et al. 2022, "Interpretability in the Wild: a Circuit for Indirect Object Identification in GPT-2
    small", section 3.1; with the perceptrons between them held as well, so that a path is one arrow: Goldowsky-Dill et
    al. 2023, "Localizing Model Behavior with Path Patching".
    """
    way = _way_into(model, receiver, receiver_head)
    names = ["transformer.embedding_dropout", "*.attention", "*.multi_layer_perceptron", "*.head_outputs"]
    clean = record(model, pair.clean, names)
    corrupted = record(model, pair.corrupted, [*names, "*.residual_before", way.stream])
    stream = corrupted[way.stream]  # (1, time, channels)
    time, shape = len(pair.clean), model.configuration
    layer = way.perceptrons_before  # the receiver's; behind the last one there are only the norm and the head
    start = stream if layer == shape.number_of_layers else corrupted[f"transformer.hidden.{layer}.residual_before"]

    def restored(name: str, rows: int, change_of: Callable[[Tensor, int], Tensor]) -> NDArray[np.float64]:
        difference = (clean[name] - corrupted[name])[0]

        def edits_of(chosen: range) -> dict[str, Callable[[Tensor], Tensor]]:
            change = torch.stack([change_of(difference, row) for row in chosen])  # (rows, time, channels)
            with evaluating(model):
                reading = way.read(stream + change)

            def replace(activation: Tensor) -> Tensor:
                activation[:, way.heads] = reading[:, way.heads]
                return activation

            return {way.edited: replace}

        return restored_shares(model, pair, rows, edits_of, layer=layer, stream=start)

    def by_position(name: str, is_before: bool) -> NDArray[np.float64]:
        return restored(name, time, _only_at) if is_before else np.full(time, np.nan)

    def by_head(name: str, is_before: bool) -> NDArray[np.float64]:
        heads = shape.number_of_heads
        return restored(name, heads, lambda difference, head: difference[head]) if is_before else np.full(heads, np.nan)

    blocks = [f"transformer.hidden.{layer}" for layer in range(shape.number_of_layers)]
    attends = [layer < way.attentions_before for layer in range(len(blocks))]
    perceives = [layer < way.perceptrons_before for layer in range(len(blocks))]
    return PathPatching(
        pair=pair,
        receiver=receiver if receiver_head is None else f"{receiver} of head {receiver_head}",
        embeddings=restored("transformer.embedding_dropout", time, _only_at),
        attention=np.stack([by_position(f"{b}.attention", at) for b, at in zip(blocks, attends, strict=True)]),
        multi_layer_perceptron=np.stack(
            [by_position(f"{b}.multi_layer_perceptron", at) for b, at in zip(blocks, perceives, strict=True)]
        ),
        heads=np.stack([by_head(f"{b}.attention.head_outputs", at) for b, at in zip(blocks, attends, strict=True)]),
    )


def _only_at(difference: Tensor, position: int) -> Tensor:
    """(time, channels) with all other positions zero."""
    alone = torch.zeros_like(difference)
    alone[position] = difference[position]
    return alone


@dataclass(frozen=True)
class _Way:
    """How a receiver reads the residual stream."""

    stream: str
    """The activation that it reads."""
    edited: str
    """The activation in which its reading is replaced."""
    read: Callable[[Tensor], Tensor]
    """From another stream to what stands there then."""
    attentions_before: int
    perceptrons_before: int
    heads: slice
    """Which heads read it, where these are told apart; else everything."""


def _way_into(model: GPTModel, receiver: str, head: int | None) -> _Way:
    shape, transformer = model.configuration, model.transformer
    layers = shape.number_of_layers
    if receiver == LOGITS and head is None:
        last = f"transformer.hidden.{layers - 1}.residual_after"
        name = "transformer.final_layer_norm"
        return _Way(last, name, transformer.final_layer_norm, layers, layers, _ALL)
    found = _RECEIVER.fullmatch(receiver)
    if found is None or int(found[1]) >= layers or (head is not None and found[3] is None):
        raise InspectionError(
            f"{receiver!r}{'' if head is None else f' of head {head}'} receives nothing; a receiver is logits, "
            "transformer.hidden.3.attention, transformer.hidden.3.attention.query (or key, or value; these of one head "
            f"too) or transformer.hidden.3.multi_layer_perceptron, with layers from 0 to {layers - 1}."
        )
    if head is not None and not 0 <= head < shape.number_of_heads:
        raise InspectionError(f"head is {head}; this model's heads are 0 to {shape.number_of_heads - 1}.")
    layer = int(found[1])
    name, block = f"transformer.hidden.{layer}", transformer.hidden[layer]
    assert isinstance(block, Block)
    if found[2] == "multi_layer_perceptron":
        return _Way(f"{name}.residual_middle", f"{name}.layer_norm_2", block.layer_norm_2, layer + 1, layer, _ALL)
    if found[3] is None:
        return _Way(f"{name}.residual_before", f"{name}.layer_norm_1", block.layer_norm_1, layer, layer, _ALL)
    place, heads = _PLACE[found[3]], _ALL if head is None else slice(head, head + 1)

    def read(stream: Tensor) -> Tensor:
        return block.attention.heads(block.layer_norm_1(stream))[place]  # (rows, heads, time, head size)

    return _Way(f"{name}.residual_before", receiver, read, layer, layer, heads)
