"""Prefixes that training programs' wrappers put before the names of a model's tensors."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TypeVar

_WRAPPERS = {
    "_orig_mod.": "torch.compile",
    "module.": "DistributedDataParallel",
    "_forward_module.": "Lightning Fabric",
    "model.": "Lightning",
}
Stored = TypeVar("Stored")


def without_wrapper_prefixes(tensors: Mapping[str, Stored]) -> dict[str, Stored]:
    """The tensors without the prefixes that all of their names share: {"module._orig_mod.a": 1} -> {"a": 1}."""
    plain = dict(tensors)
    while prefix := next((each for each in _WRAPPERS if plain and all(name.startswith(each) for name in plain)), None):
        plain = {name.removeprefix(prefix): tensor for name, tensor in plain.items()}
    return plain


def prefix_of_some(names: Iterable[str]) -> str | None:
    """One sentence about a wrapper's prefix that some of the names have and others lack; None where none has one."""
    names = list(names)
    counts = Counter(prefix for name in names for prefix in _WRAPPERS if name.startswith(prefix))
    if not counts:
        return None
    prefix, count = counts.most_common(1)[0]
    return (
        f"{count:,} of the {len(names):,} names begin with {prefix!r}, which {_WRAPPERS[prefix]} adds; save the state "
        "dictionary of the model inside it, or take the prefix off those names."
    )
