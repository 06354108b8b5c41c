"""Models in and out: Hugging Face's GPT-2 format, the Hub, runs, GGUF files, and the one table of names."""

from typing import TYPE_CHECKING

from gpt25.lazy_face import lazy_face

if TYPE_CHECKING:
    from gpt25.weights.describe import describe_model
    from gpt25.weights.gguf.gguf_export import export_gguf, require_gguf
    from gpt25.weights.hub import cached_model
    from gpt25.weights.load import load_found, load_pretrained
    from gpt25.weights.loading.found_model import FoundModel, find_model
    from gpt25.weights.loading.load_arrays import can_load_arrays, load_arrays
    from gpt25.weights.names import GLOSSARY
    from gpt25.weights.resolve import require_model, resolve_model
    from gpt25.weights.save import save_pretrained, write_model_files
    from gpt25.weights.weights_sha256 import weights_sha256

__all__ = [
    "GLOSSARY",
    "FoundModel",
    "cached_model",
    "can_load_arrays",
    "describe_model",
    "export_gguf",
    "find_model",
    "load_arrays",
    "load_found",
    "load_pretrained",
    "require_gguf",
    "require_model",
    "resolve_model",
    "save_pretrained",
    "weights_sha256",
    "write_model_files",
]

lazy_face(
    __name__,
    {
        "GLOSSARY": "names",
        "FoundModel": "loading.found_model",
        "cached_model": "hub",
        "can_load_arrays": "loading.load_arrays",
        "describe_model": "describe",
        "export_gguf": "gguf.gguf_export",
        "find_model": "loading.found_model",
        "load_arrays": "loading.load_arrays",
        "load_found": "load",
        "load_pretrained": "load",
        "require_gguf": "gguf.gguf_export",
        "require_model": "resolve",
        "resolve_model": "resolve",
        "save_pretrained": "save",
        "weights_sha256": "weights_sha256",
        "write_model_files": "save",
    },
)
