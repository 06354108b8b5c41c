"""Machine code of an H100 for the kernels that Inductor wrote, by Triton's own compiler, which needs no GPU."""

import contextlib
import importlib.util
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from pretended_compiler import Program

_KERNEL = re.compile(r"(triton_\w+) = async_compile\.triton\('\w+', '''(.*?)'''", re.DOTALL)
_KINDS = ("pointwise", "reduction", "persistent_reduction", "foreach")
# One of the configurations that torch would try on the GPU, for what a kernel leaves open.
_BLOCKS = {"XBLOCK": 1024, "YBLOCK": 32, "R0_BLOCK": 2048, "RSPLIT_SIZE": 64, "NUM_STAGES": 1}


def machine_code(program: Program, folder: Path) -> dict[str, int]:
    """Bytes of machine code of every kernel of a program; whatever does not compile is Triton's own error."""
    return {name: _compiled(name, text, folder) for name, text in _KERNEL.findall(program.text)}


def _compiled(name: str, text: str, folder: Path) -> int:
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    path = folder / f"{name}.py"  # Triton reads the source of what it compiles
    path.write_text(text, encoding="utf-8")
    with _seen_kernels() as seen:
        specification = importlib.util.spec_from_file_location(name, path)
        assert specification is not None
        assert specification.loader is not None
        specification.loader.exec_module(importlib.util.module_from_spec(specification))
    ((function, meta),) = seen
    signature, constants = dict(meta["signature"]), dict(meta.get("constants", {}))
    for argument in set(function.arg_names) & set(_BLOCKS):
        is_row = argument == "XBLOCK" and ("_per_" in name or "_red_" in name)
        constants[argument], signature[argument] = 1 if is_row else _BLOCKS[argument], "constexpr"
    places = {(function.arg_names.index(argument),): value for argument, value in constants.items()}
    source = ASTSource(fn=function, signature=signature, constexprs=places)
    options = {"num_warps": 8, "num_stages": 1}
    return len(triton.compile(source, target=GPUTarget("cuda", 90, 32), options=options).asm["cubin"])


@contextlib.contextmanager
def _seen_kernels() -> Iterator[list[tuple[Any, dict[str, Any]]]]:
    """Functions and what torch knows of them, of kernels that are imported meanwhile, in the place of its launchers."""
    from torch._inductor.runtime import triton_helpers, triton_heuristics

    seen: list[tuple[Any, dict[str, Any]]] = []

    def noting(*_: Any, triton_meta: dict[str, Any], **__: Any) -> Callable[[Any], None]:
        return lambda function: seen.append((function, triton_meta))

    with contextlib.ExitStack() as stack:
        for kind in _KINDS:
            stack.enter_context(mock.patch.object(triton_heuristics, kind, noting))
        stack.enter_context(mock.patch.object(triton_helpers, "set_driver_to_gpu"))
        yield seen
