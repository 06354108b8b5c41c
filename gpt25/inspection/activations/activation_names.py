"""The names under which a model's activations are read and replaced."""

import difflib
from collections.abc import Iterable
from fnmatch import fnmatchcase

from torch import nn

from gpt25.errors import InspectionError
from gpt25.model import GPTModel

OF_A_BLOCK = ("residual_before", "residual_middle", "residual_after")
"""The residual stream before a block, between its halves and behind it; each (batch, time, channels)."""
OF_ATTENTION = ("query", "key", "value", "pattern", "mixed", "head_outputs")
"""What the heads compute; shapes are in `record`."""
OF_A_PERCEPTRON = ("neurons",)
"""What stands behind GELU; (batch, time, 4 * channels)."""


def activation_names(model: GPTModel) -> list[str]:
    """Every name that `record` and `edit` know for this model, in the order of `named_modules`.

    These are the names of its modules, each for the module's output, and below a block, its attention and its
    perceptron the names above for what stands between modules.
    """
    names = []
    for name, module in model.named_modules(remove_duplicate=False):
        if not name or isinstance(module, nn.ModuleList) or name.startswith("transformer.word_token_embeddings."):
            continue  # the model itself, a list that is never called, and the head that int8 embeddings hold
        names.append(name)
        more: tuple[str, ...] = ()
        if _is_block(name):
            more = OF_A_BLOCK
        elif name.endswith(".attention"):
            more = OF_ATTENTION
        elif name.endswith(".multi_layer_perceptron"):
            more = OF_A_PERCEPTRON
        names += [f"{name}.{part}" for part in more]
    return names


def chosen_names(model: GPTModel, patterns: str | Iterable[str]) -> list[str]:
    """The names that one or several patterns match, each once, in the order of `activation_names`.

    A pattern is a name, or has wildcards: "*" for anything, "?" for one character, "[012]" for one of several.
    `chosen_names(model, "*.attention.pattern")` is a name to each layer. Raises InspectionError for a pattern that
    matches nothing, with the nearest name.
    """
    given = [patterns] if isinstance(patterns, str) else list(patterns)
    known = activation_names(model)
    found: set[str] = set()
    for pattern in given:
        matching = [name for name in known if name == pattern or fnmatchcase(name, pattern)]
        if not matching:
            nearest = difflib.get_close_matches(pattern, known, n=1, cutoff=0.0)[0]
            raise InspectionError(
                f"no activation of this model is called {pattern!r}; the nearest is {nearest!r}. "
                "activation_names(model) lists all."
            )
        found.update(matching)
    if not found:
        raise InspectionError("no activation was named; activation_names(model) lists all.")
    return [name for name in known if name in found]


def _is_block(name: str) -> bool:
    parent, _, number = name.rpartition(".")
    return parent == "transformer.hidden" and number.isdigit()
