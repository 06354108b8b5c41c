"""Trees of a plan as tensors that a model reads."""

from collections.abc import Sequence

import numpy as np
import torch

from gpt25.evaluation.scoring.plan import PrefixTree
from gpt25.model import PrefixTrees
from gpt25.runtime import to_device


def prefix_tree_tensors(trees: Sequence[PrefixTree], device: torch.device) -> PrefixTrees:
    """One pass over some trees: their tokens one after the other, and the attention mask where any of them branches."""
    sizes = [len(tree.tokens) for tree in trees]
    longest = max(sizes)
    pad_indices = np.zeros((len(trees), longest), dtype=np.int64)  # (trees, longest)
    unpad_indices = np.empty(sum(sizes), dtype=np.int64)  # (tokens)
    start = 0
    for number, size in enumerate(sizes):
        pad_indices[number, :size] = np.arange(start, start + size)
        unpad_indices[start : start + size] = np.arange(number * longest, number * longest + size)
        start += size
    mask = None
    if any(tree.branches for tree in trees):
        mask = to_device(
            torch.from_numpy(np.stack([_attention_mask(tree, longest) for tree in trees])[:, None]), device
        )
    tokens = [token for tree in trees for token in tree.tokens]
    positions = [position for tree in trees for position in tree.positions]
    return PrefixTrees(
        to_device(tokens, device),
        to_device(positions, device),
        to_device(torch.from_numpy(pad_indices), device),
        to_device(torch.from_numpy(unpad_indices), device),
        mask,
    )


def _attention_mask(tree: PrefixTree, longest: int) -> np.ndarray:
    """Which positions each attends to: (longest, longest); those before it, but for the tokens of other branches."""
    mask = np.tri(longest, dtype=np.bool_)
    ends = [start for start, _ in tree.branches[1:]] + [len(tree.tokens)]
    for (start, parent), end in zip(tree.branches, ends, strict=False):
        mask[start:end, :start] = mask[parent, :start]
    return mask
