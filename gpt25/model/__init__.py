"""GPT-2 as pure computation: no files, no network, no printing.

The staircase: configuration → attention and multi-layer perceptron → block → transformer → GPTModel, with a key-value
cache beside it and accounting that counts parameters, floating-point operations and bytes without building anything.
"""

from typing import TYPE_CHECKING

from gpt25.lazy_face import lazy_face

if TYPE_CHECKING:
    from gpt25.model.accounting import Accounting
    from gpt25.model.configuration import PUBLISHED_CONFIGURATIONS, GPTConfiguration
    from gpt25.model.evaluating import evaluating
    from gpt25.model.gpt import GPTModel
    from gpt25.model.int8 import Int8Linear, quantise_int8
    from gpt25.model.key_value_cache import KeyValueCache
    from gpt25.model.model_arrays import Int8Matrix, ModelArrays
    from gpt25.model.prefix_trees import PrefixTrees
    from gpt25.model.slot_cache import SlotCache

__all__ = [
    "PUBLISHED_CONFIGURATIONS",
    "Accounting",
    "GPTConfiguration",
    "GPTModel",
    "Int8Linear",
    "Int8Matrix",
    "KeyValueCache",
    "ModelArrays",
    "PrefixTrees",
    "SlotCache",
    "evaluating",
    "quantise_int8",
]

lazy_face(
    __name__,
    {
        "PUBLISHED_CONFIGURATIONS": "configuration",
        "Accounting": "accounting",
        "GPTConfiguration": "configuration",
        "GPTModel": "gpt",
        "Int8Linear": "int8",
        "Int8Matrix": "model_arrays",
        "KeyValueCache": "key_value_cache",
        "ModelArrays": "model_arrays",
        "PrefixTrees": "prefix_trees",
        "SlotCache": "slot_cache",
        "evaluating": "evaluating",
        "quantise_int8": "int8",
    },
)
