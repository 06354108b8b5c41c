"""GPT-2 end to end: load OpenAI's weights, look inside, sample, train your own, evaluate it and serve it.

The public names are imported when they are first used, so that `import gpt25` stays silent and fast.
"""

from importlib import import_module

from gpt25.version import __version__ as __version__

TYPE_CHECKING = False  # the name that type checkers know, without the time that importing typing takes
if TYPE_CHECKING:
    from gpt25 import figures
    from gpt25.generation import TextGenerator
    from gpt25.model import GPTConfiguration, GPTModel
    from gpt25.tokenizer import Tokenizer
    from gpt25.weights import load_pretrained, save_pretrained

__all__ = [
    "GPTConfiguration",
    "GPTModel",
    "TextGenerator",
    "Tokenizer",
    "figures",
    "load_pretrained",
    "save_pretrained",
]

_HOMES = {
    "GPTConfiguration": "gpt25.model",
    "GPTModel": "gpt25.model",
    "TextGenerator": "gpt25.generation",
    "Tokenizer": "gpt25.tokenizer",
    "load_pretrained": "gpt25.weights",
    "save_pretrained": "gpt25.weights",
}


def __getattr__(name: str) -> object:
    if name == "figures":  # a package of functions, which have their names in it
        return import_module("gpt25.figures")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
