"""The machine as a set of arguments: device, precision, ranks, seeds, clock, allocator. Nothing happens at import."""

from typing import TYPE_CHECKING

from gpt25.lazy_face import lazy_face

if TYPE_CHECKING:
    from gpt25.runtime.allocator import use_fast_allocator
    from gpt25.runtime.attention import AttentionKernel, choose_attention, cudnn_version
    from gpt25.runtime.compilation import (
        Compilation,
        allow_compiled_shapes,
        choose_compilation,
        compile_blocks_whole,
        compile_choices,
        will_compile,
    )
    from gpt25.runtime.device import choose_device
    from gpt25.runtime.gpu_signs import may_have_gpu
    from gpt25.runtime.machine import describe_machine
    from gpt25.runtime.matrix_rate import matrix_product_rate
    from gpt25.runtime.memory import free_memory_bytes, total_memory_bytes
    from gpt25.runtime.precision import Precision, PrecisionName, choose_precision, processor_precision
    from gpt25.runtime.processor import default_threads
    from gpt25.runtime.ranks import Ranks
    from gpt25.runtime.seeds import derive_seed, generator_for
    from gpt25.runtime.software import describe_software
    from gpt25.runtime.stopwatch import Stopwatch
    from gpt25.runtime.transfer import kept_on_device, to_device
    from gpt25.runtime.uniform_numbers import UniformNumbers

__all__ = [
    "AttentionKernel",
    "Compilation",
    "Precision",
    "PrecisionName",
    "Ranks",
    "Stopwatch",
    "UniformNumbers",
    "allow_compiled_shapes",
    "choose_attention",
    "choose_compilation",
    "choose_device",
    "choose_precision",
    "compile_blocks_whole",
    "compile_choices",
    "cudnn_version",
    "default_threads",
    "derive_seed",
    "describe_machine",
    "describe_software",
    "free_memory_bytes",
    "generator_for",
    "kept_on_device",
    "matrix_product_rate",
    "may_have_gpu",
    "processor_precision",
    "to_device",
    "total_memory_bytes",
    "use_fast_allocator",
    "will_compile",
]

lazy_face(
    __name__,
    {
        "AttentionKernel": "attention",
        "Compilation": "compilation",
        "Precision": "precision",
        "PrecisionName": "precision",
        "Ranks": "ranks",
        "Stopwatch": "stopwatch",
        "UniformNumbers": "uniform_numbers",
        "allow_compiled_shapes": "compilation",
        "choose_attention": "attention",
        "choose_compilation": "compilation",
        "choose_device": "device",
        "choose_precision": "precision",
        "compile_blocks_whole": "compilation",
        "compile_choices": "compilation",
        "cudnn_version": "attention",
        "default_threads": "processor",
        "derive_seed": "seeds",
        "describe_machine": "machine",
        "describe_software": "software",
        "free_memory_bytes": "memory",
        "generator_for": "seeds",
        "kept_on_device": "transfer",
        "matrix_product_rate": "matrix_rate",
        "may_have_gpu": "gpu_signs",
        "processor_precision": "precision",
        "to_device": "transfer",
        "total_memory_bytes": "memory",
        "use_fast_allocator": "allocator",
        "will_compile": "compilation",
    },
)
