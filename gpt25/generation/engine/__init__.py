"""The engine: texts of many requests that take their steps together, each as if it were alone.

The staircase: a request and its ticket → slots and what they hold → a runner, which computes → Engine, which decides
who comes next.
"""

from typing import TYPE_CHECKING

from gpt25.lazy_face import lazy_face

if TYPE_CHECKING:
    from gpt25.generation.engine.compiled_kernels import compiled_kernels, kernels_are_kept
    from gpt25.generation.engine.engine import Engine, QueueFullError
    from gpt25.generation.engine.request import Request
    from gpt25.generation.engine.runner import Runner
    from gpt25.generation.engine.runners import Runners
    from gpt25.generation.engine.ticket import Ticket
    from gpt25.generation.engine.torch_runner import TorchRunner

__all__ = [
    "Engine",
    "QueueFullError",
    "Request",
    "Runner",
    "Runners",
    "Ticket",
    "TorchRunner",
    "compiled_kernels",
    "kernels_are_kept",
]

lazy_face(
    __name__,
    {
        "Engine": "engine",
        "QueueFullError": "engine",
        "Request": "request",
        "Runner": "runner",
        "Runners": "runners",
        "Ticket": "ticket",
        "TorchRunner": "torch_runner",
        "compiled_kernels": "compiled_kernels",
        "kernels_are_kept": "compiled_kernels",
    },
)
