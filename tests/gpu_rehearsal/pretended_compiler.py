"""torch.compile for GPUs that are not there: Inductor writes the Triton code of an H100, which is kept and never run.

A graph that was compiled so runs as it is, operation by operation on FakeTensors, so that what comes behind it goes on.
`pretended_gpu.load` must have come before torch was imported. Needs the package triton.
"""

import contextlib
import dataclasses
import types
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

from pretended_gpu import Properties


@dataclasses.dataclass(frozen=True)
class Program:
    """What Inductor wrote for one graph."""

    text: str
    """Python: the Triton kernels, and the function that calls them and the libraries' own kernels."""
    graph: Any
    """The graph, a torch.fx.GraphModule, whose nodes know their shapes."""


class _Driver:
    """What Triton asks of the driver of a GPU."""

    def get_current_target(self) -> Any:
        from triton.backends.compiler import GPUTarget

        return GPUTarget("cuda", 90, 32)

    def get_current_device(self) -> int:
        return 0

    def get_device_interface(self) -> Any:
        import torch

        return torch.cuda

    def get_active_torch_device(self) -> Any:
        import torch

        return torch.device("cuda", 0)


Around = Callable[[Program], contextlib.AbstractContextManager[Any]]


def _keeping(programs: list[Program], around: Around) -> Any:
    """What stands in for GraphLowering.compile_to_module: writes the code, and runs the graph instead of it."""
    import torch

    def compile_to_module(lowering: Any) -> Any:
        code = lowering.codegen()[0]
        program = Program(str(getattr(code, "value", code)), lowering.module)
        programs.append(program)

        def call(given: list[Any]) -> tuple[Any, ...]:
            arguments = list(given)
            given.clear()
            with around(program):
                results = torch.fx.Interpreter(program.graph).run(*arguments)
            return tuple(results) if isinstance(results, list | tuple) else (results,)

        return types.SimpleNamespace(call=call, __file__="none.py", key="none", benchmark_compiled_module=None)

    return compile_to_module


def _flash_attention(query: Any, key: Any, value: Any, **options: Any) -> Any:
    """What torch chooses on an H100 for our attention; a torch without CUDA knows its shapes, and cannot choose it."""
    import torch

    assert options.get("attn_mask") is None
    assert not options.get("dropout_p")
    is_causal = options.get("is_causal", False)
    return torch.ops.aten._scaled_dot_product_flash_attention(query, key, value, 0.0, is_causal)[0]


def _nothing(*_: Any, **__: Any) -> None:
    """Leaves out what tries itself on real tensors: patterns of which none is in our graphs."""


def _replaced(programs: list[Program], around: Around) -> list[tuple[Any, str, Any]]:
    """What is replaced, and by what."""
    import torch._dynamo.device_interface
    import torch._inductor.fx_passes.fuse_attention
    import torch._inductor.fx_passes.misc_patterns
    import torch._inductor.fx_passes.pad_mm
    from torch._inductor.graph import GraphLowering

    interface, passes = torch._dynamo.device_interface.CudaInterface, torch._inductor.fx_passes
    properties, keep = staticmethod(lambda *_: Properties), _keeping(programs, around)
    return [
        (torch.version, "cuda", "13.0"),
        (GraphLowering, "compile_to_module", keep),
        (GraphLowering, "_compile_to_module", keep),
        (passes.fuse_attention, "_sfdp_init", _nothing),
        (passes.misc_patterns, "_misc_patterns_init", _nothing),
        (passes.pad_mm, "_pad_mm_init", _nothing),
        (torch.nn.functional, "scaled_dot_product_attention", _flash_attention),
        (interface, "get_device_properties", properties),
        (interface.Worker, "get_device_properties", properties),
        (interface.Worker, "current_device", staticmethod(lambda: 0)),
        (interface, "get_compute_capability", staticmethod(lambda *_: 90)),
    ]


_SETTINGS = {
    "fx_graph_cache": False,
    "profile_bandwidth": True,  # has every kernel say how much it reads and writes
    "joint_graph_constant_folding": False,
    "compile_threads": 1,
    "triton.autotune_at_compile_time": False,
}
_ANSWERS = {
    "_cuda_getDevice": 0,
    "_cuda_exchangeDevice": 0,
    "_cuda_maybeExchangeDevice": 0,
    "_cuda_getDeviceCount": 1,
    "_cuda_getCurrentRawStream": 0,
    "_cuda_isInBadFork": False,
    "_cuda_hasPrimaryContext": True,
}


@contextlib.contextmanager
def pretended_compiler(around: Around = lambda _: contextlib.nullcontext()) -> Iterator[list[Program]]:
    """Every program that torch.compile has Inductor write meanwhile, in order; inside `pretended_gpus` only.

    around: a context in which a compiled graph runs, each time.
    """
    import torch._functorch.config
    import torch._inductor.config
    import triton

    triton.runtime.driver.set_active(_Driver())
    programs: list[Program] = []
    with contextlib.ExitStack() as stack:
        for target, name, value in _replaced(programs, around):
            stack.enter_context(mock.patch.object(target, name, value))
        for name, answer in _ANSWERS.items():
            stack.enter_context(mock.patch.object(torch._C, name, lambda *_, answer=answer: answer, create=True))
        stack.enter_context(torch._inductor.config.patch(_SETTINGS))
        stack.enter_context(torch._functorch.config.patch(enable_autograd_cache=False))
        torch._dynamo.reset()
        yield programs
        torch._dynamo.reset()
