"""What this machine has, what gpt25 will use of it, and why. Nothing is fetched and nothing is changed.

With --reference a model is loaded instead, from the Hub if need be, and compared with what OpenAI released.
"""

import importlib.metadata
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gpt25.cli.output import Output
from gpt25.cli.progress import count_text
from gpt25.counted import counted
from gpt25.errors import ConfigurationError
from gpt25.installation import install_command

if TYPE_CHECKING:
    import torch

CORE_PACKAGES = (
    "torch",
    "numpy",
    "safetensors",
    "huggingface-hub",
    "tokenizers",
    "tiktoken",
    "matplotlib",
    "tyro",
    "rich",
    "tomli-w",
    "msgspec",
    "prompt-toolkit",
    "shtab",
)
EXTRAS = {
    "data": (
        ("charset-normalizer", "pyarrow", "selectolax", "zstandard"),
        "texts and evaluation sets in .parquet, FineWeb from the Hub, .html and .zst sources, guesses at encodings",
    ),
    "docs": (("furo", "latex2mathml", "myst-nb", "sphinx"), "the pages as a site: make docs"),
    "evaluate": (("lm-eval",), "our models in the public evaluation harness, for all of its tasks"),
    "export": (("gguf",), "GGUF files for llama.cpp"),
    "fast": (("llvmlite", "numba"), "the processor's fastest generation, the same bits alone and in company"),
    "mlflow": (("alembic", "mlflow-skinny", "sqlalchemy"), "MLflow beside metrics.jsonl (track.mlflow)"),
    "notebooks": (
        ("ipykernel", "ipywidgets", "jupytext", "nbclient", "nbformat", "pillow"),
        "the notebooks of the repository: a kernel for them, and what runs them and keeps what they show",
    ),
    "search": (("optuna",), "a search among settings: gpt25 sweep --search"),
    "serve": (
        ("fastapi", "h11", "prometheus-client", "pydantic", "starlette", "uvicorn"),
        "gpt25 serve: a model on the network",
    ),
    "tensorflow": (("tensorflow-cpu",), "models in OpenAI's original release (TensorFlow checkpoints)"),
    "track": (("tensorboard",), "TensorBoard beside metrics.jsonl (track.tensorboard)"),
    "wandb": (("wandb",), "Weights & Biases beside metrics.jsonl (track.wandb)"),
    "dev": (
        (
            "accelerate",
            "alembic",
            "charset-normalizer",
            "fastapi",
            "furo",
            "gguf",
            "h11",
            "hatchling",
            "httpx",
            "hypothesis",
            "ipykernel",
            "ipython",
            "ipywidgets",
            "jupytext",
            "latex2mathml",
            "llvmlite",
            "lm-eval",
            "mlflow-skinny",
            "mypy",
            "myst-nb",
            "nbclient",
            "nbformat",
            "numba",
            "openai",
            "optuna",
            "pillow",
            "playwright",
            "prometheus-client",
            "psutil",
            "pyarrow",
            "pydantic",
            "pytest",
            "pytest-xdist",
            "pyyaml",
            "ruff",
            "schemathesis",
            "selectolax",
            "sphinx",
            "sqlalchemy",
            "starlette",
            "tensorboard",
            "transformers",
            "triton",
            "uvicorn",
            "wandb",
            "zstandard",
        ),
        "the tests and checks",
    ),
}
"""Every extra of pyproject.toml: its packages, and what it brings."""

_PUBLISHED_MODELS = ("gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl")


@dataclass(frozen=True)
class Arguments:
    """What is here, what will be used, and why."""

    device: str = "auto"
    """auto, cpu, cuda, cuda:INDEX or mps: answer as if this one were asked for."""
    reference: str | None = None
    """Check this model against what was published of OpenAI's: gpt2, gpt2-medium, gpt2-large, gpt2-xl, OWNER/NAME,
    OWNER/NAME@REVISION, or a directory that claims to be one of them."""
    json: bool = False
    """Print one JSON object on standard output."""


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _extras() -> dict[str, dict[str, Any]]:
    extras = {}
    for name, (packages, brings) in EXTRAS.items():
        missing = [package for package in packages if _version(package) is None]
        extras[name] = {"installed": not missing, "missing": missing, "brings": brings}
    return extras


def _hub() -> dict[str, Any]:
    """The Hub's offline switch and cache, and which of OpenAI's models are in it; no network call."""
    from huggingface_hub import constants, try_to_load_from_cache

    cached = [
        name
        for name in _PUBLISHED_MODELS
        if isinstance(try_to_load_from_cache(f"openai-community/{name}", "model.safetensors"), str)
    ]
    return {"offline": constants.HF_HUB_OFFLINE, "cache": constants.HF_HUB_CACHE, "cached_models": cached}


def _ranks() -> dict[str, Any]:
    from gpt25.runtime import Ranks

    try:
        ranks = Ranks.from_environment()
    except ConfigurationError as problem:
        return {"problem": str(problem)}
    return {"rank": ranks.rank, "number_of_ranks": ranks.number_of_ranks, "local_rank": ranks.local_rank}


def _rates(device: "torch.device") -> dict[str, float]:
    """Measured matrix-product rates in FLOP/s, by dtype."""
    import torch

    from gpt25.runtime import matrix_product_rate

    return {name: matrix_product_rate(device, getattr(torch, name)) for name in ("float32", "bfloat16")}


def _generation(device_name: str) -> dict[str, Any]:
    """What `gpt25 generate` will do without being told, and by which instructions on a processor."""
    from gpt25.generation import choose_generating_precision, kernels_are_installed

    chosen = choose_generating_precision(device_name, "auto")
    by_kernels = chosen.device == "cpu" and kernels_are_installed()
    instructions = None
    if by_kernels:
        from gpt25.kernels.vector_code import product_instruction, vector_lanes

        instructions = f"{product_instruction()} on vectors of {32 * vector_lanes()} bits"
    return {"precision": chosen.name, "reason": chosen.reason, "int8_instructions": instructions}


def examine(arguments: Arguments) -> dict[str, Any]:
    """Everything that `gpt25 doctor --json` prints."""
    from gpt25.runtime import (
        choose_attention,
        choose_compilation,
        choose_device,
        choose_precision,
        cudnn_version,
        describe_machine,
        free_memory_bytes,
        use_fast_allocator,
        will_compile,
    )

    device = choose_device(arguments.device)
    precision = choose_precision(device)
    compilation, attention = choose_compilation(device), choose_attention(device, precision)
    disk = shutil.disk_usage(os.curdir)
    why_device = "asked for" if arguments.device != "auto" else "the best that torch sees on this machine"
    return {
        "machine": {
            **describe_machine(),
            "cudnn": cudnn_version(),
            "free_memory_bytes": free_memory_bytes(),
            "disk_bytes": disk.total,
            "free_disk_bytes": disk.free,
        },
        "device": {"name": str(device), "reason": why_device},
        "precision": {"name": precision.name, "reason": precision.reason},
        "generation": _generation(arguments.device),
        "compile": {
            "available": compilation.available,
            "used": will_compile(device, "auto"),
            "reason": compilation.reason,
        },
        "attention": {"name": attention.name, "reason": attention.reason},
        "allocator": use_fast_allocator(),
        "matrix_product_flops_per_second": _rates(device),
        "ranks": _ranks(),
        "hub": _hub(),
        "packages": {package: _version(package) for package in CORE_PACKAGES},
        "extras": _extras(),
    }


def _gibibytes(number_of_bytes: int | None) -> str:
    return "unknown" if number_of_bytes is None else f"{number_of_bytes / 2**30:.1f} GiB"


def _gigaflops(flops_per_second: float) -> str:
    return f"{count_text(flops_per_second / 1e9)} GFLOP/s"


def _choices(found: dict[str, Any]) -> list[tuple[str, str]]:
    rates = found["matrix_product_flops_per_second"]
    compilation = "available" if found["compile"]["available"] else "not available"
    used = "used" if found["compile"]["used"] else "not used"
    ranks, hub, generation = found["ranks"], found["hub"], found["generation"]
    instructions = generation["int8_instructions"]
    by = f"; kernels, int8 by {instructions}" if instructions else ""
    alone = "one process (no torchrun)" if ranks.get("number_of_ranks") == 1 else None
    cached = ", ".join(hub["cached_models"]) or "none of OpenAI's models"
    return [
        ("device", f"{found['device']['name']}: {found['device']['reason']}"),
        ("precision", f"{found['precision']['name']}: {found['precision']['reason']}"),
        ("generation", f"{generation['precision']}: {generation['reason']}{by}"),
        (
            "matrix products",
            f"float32 {_gigaflops(rates['float32'])}, bfloat16 {_gigaflops(rates['bfloat16'])}, measured",
        ),
        ("torch.compile", f"{compilation}, {used}: {found['compile']['reason']}"),
        ("attention", f"{found['attention']['name']}: {found['attention']['reason']}"),
        ("allocator", found["allocator"]),
        ("ranks", ranks.get("problem") or alone or f"rank {ranks['rank']} of {ranks['number_of_ranks']}"),
        ("Hub", f"{'offline (HF_HUB_OFFLINE)' if hub['offline'] else 'used when a model is not in the cache'}"),
        ("Hub cache", f"{hub['cache']} holds {cached}"),
    ]


def _show(found: dict[str, Any], output: Output) -> None:
    machine = found["machine"]
    memory = f"{_gibibytes(machine['free_memory_bytes'])} free of {_gibibytes(machine['memory_bytes'])}"
    rows = [
        ("gpt25", f"{machine['gpt25']} with Python {machine['python']}, torch {machine['torch']}"),
        ("platform", machine["platform"]),
        (
            "processor",
            f"{machine['processor']}, {counted(machine['cores'], 'cores')}, "
            f"{counted(machine['threads'], 'threads')} used",
        ),
        ("GPUs", ", ".join(machine["gpus"]) or "none that torch can use"),
        ("cuDNN", machine["cudnn"] or "none: this build of torch has no CUDA"),
        ("memory", memory),
        ("disk here", f"{_gibibytes(machine['free_disk_bytes'])} free of {_gibibytes(machine['disk_bytes'])}"),
    ]
    output.table("This machine", ("", ""), rows)
    output.say()
    output.table("What will be used, and why", ("", ""), _choices(found))
    output.say()
    packages = [(name, version or "missing: reinstall gpt25") for name, version in found["packages"].items()]
    output.table("Packages", ("name", "version"), packages)
    output.say()
    extras = [
        (name, "installed" if extra["installed"] else f"missing {', '.join(extra['missing'])}", extra["brings"])
        for name, extra in found["extras"].items()
    ]
    output.table(f"Extras ({install_command('NAME')})", ("name", "state", "brings"), extras)


def run(arguments: Arguments, output: Output) -> None:
    """Look at everything, then show it; or at one model and what was published of it."""
    if arguments.reference is not None:
        from gpt25.cli.reference_checks import compare_with_published
        from gpt25.runtime import choose_device

        compare_with_published(arguments.reference, choose_device(arguments.device), output)
        return
    found = examine(arguments)
    if not output.json:
        _show(found, output)
    output.result(found)
