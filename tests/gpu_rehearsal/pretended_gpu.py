"""GPUs that are not there: torch without CUDA runs our GPU path on FakeTensors, which have shapes and no values.

`load` must come before torch is imported. Inside `pretended_gpus`, `torch.cuda` answers as on a machine of two H100s;
a `Recorder` notes what would be launched, what is copied between devices, and where the host would have to wait.
"""

import collections
import contextlib
import ctypes
import importlib.util
import os
import shutil
import subprocess
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock


def library_folder() -> Path:
    """Where torch keeps its libraries, found without importing it."""
    specification = importlib.util.find_spec("torch")
    assert specification is not None
    assert specification.origin is not None
    return Path(specification.origin).parent / "lib"


# Of Inductor, in every thread: nothing is taken from what was compiled before, and kernels say how much they read.
_SETTINGS = {"TORCHINDUCTOR_FORCE_DISABLE_CACHES": "1", "TORCHINDUCTOR_PROFILE": "1"}
COMPILER = next(filter(shutil.which, ("g++", "clang++", "c++")), None)


def build(folder: Path) -> Path:
    """Compile the stand-in for CUDA's device guard and hooks in a folder, with COMPILER."""
    assert COMPILER is not None
    libraries, target = library_folder(), folder / "stand_in_device.so"
    words = [COMPILER, "-std=c++20", "-O0", "-shared", "-fPIC", f"-I{libraries.parent / 'include'}"]
    words += [str(Path(__file__).with_name("stand_in_device.cpp")), "-o", str(target), f"-L{libraries}"]
    done = subprocess.run([*words, "-lc10", "-ltorch_cpu"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return target


def load(stand_in: Path) -> None:
    """Register the stand-in for CUDA's device guard and hooks, before torch looks for the real ones."""
    os.environ |= _SETTINGS
    for name in ("libc10.so", "libtorch_cpu.so"):
        ctypes.CDLL(str(library_folder() / name), ctypes.RTLD_GLOBAL)
    ctypes.CDLL(str(stand_in), ctypes.RTLD_GLOBAL)


class Properties:
    """Of an H100, as far as anybody asks."""

    name = "NVIDIA H100 80GB HBM3 (pretended)"
    total_memory = 80 << 30
    major, minor, multi_processor_count, warp_size = 9, 0, 132, 32
    regs_per_multiprocessor, max_threads_per_multi_processor, max_threads_per_block = 65_536, 2_048, 1_024
    shared_memory_per_block, shared_memory_per_block_optin, shared_memory_per_multiprocessor = 49_152, 232_448, 233_472
    L2_cache_size = 50 << 20
    gcnArchName = ""  # noqa: N815  (torch's name)


def where() -> str:
    """The innermost line of the package that led here: "training/loop/update_cycle.py:105"."""
    for frame in reversed(traceback.extract_stack()):
        if "/gpt25/" in frame.filename:
            return f"{frame.filename.split('/gpt25/')[-1]}:{frame.lineno}"
    return "outside the package"


WAITS: list[str] = []
"""What made the host wait for the device since it was last cleared, and where."""
EVENTS: list[int] = []
"""For every event that was recorded, the index of the device whose stream it was recorded on."""


class _Stream:
    cuda_stream = 0

    def __init__(self, index: int) -> None:
        import torch

        self.device_index = index
        self.device = torch.device("cuda", index)


class _Event:
    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def record(self, stream: Any = None) -> None:
        EVENTS.append(_DEVICE[0] if stream is None else stream.device_index)

    def synchronize(self) -> None:
        WAITS.append(f"event at {where()}")


_DEVICE = [0]


def _set_device(device: Any) -> None:
    import torch

    index = device if isinstance(device, int) else torch.device(device).index
    _DEVICE[0] = 0 if index is None else index


@contextlib.contextmanager
def _device(device: Any) -> Iterator[None]:
    before = _DEVICE[0]
    _set_device(device)
    try:
        yield
    finally:
        _DEVICE[0] = before


def _index(device: Any) -> int:
    import torch

    if device is None:
        return _DEVICE[0]
    index = device if isinstance(device, int) else torch.device(device).index
    return _DEVICE[0] if index is None else index


@contextlib.contextmanager
def pretended_gpus() -> Iterator[None]:
    """`torch.cuda` answers for two H100s; pinning is a no-op; what would wait is noted in WAITS."""
    import torch
    from torch.utils import _device as device_constructors

    device_constructors._device_constructors()  # what `with torch.device(…)` holds for torch.empty is remembered once
    empty = torch.empty

    def unpinned_empty(*arguments: Any, pin_memory: bool = False, **options: Any) -> Any:
        return empty(*arguments, **options)

    answers = {
        "is_available": lambda: True,
        "is_initialized": lambda: True,
        "device_count": lambda: 2,
        "current_device": lambda: _DEVICE[0],
        "set_device": _set_device,
        "device": _device,
        "_exchange_device": lambda index: 0,
        "_maybe_exchange_device": lambda index: 0,
        "get_device_name": lambda *_: Properties.name,
        "get_device_capability": lambda *_: (9, 0),
        "get_device_properties": lambda *_: Properties,
        "is_bf16_supported": lambda *_, **__: True,
        "current_stream": lambda device=None: _Stream(_index(device)),
        "Event": _Event,
        "synchronize": lambda *_: WAITS.append(f"synchronize at {where()}"),
        "manual_seed": lambda seed: None,
        "manual_seed_all": lambda seed: None,
        "get_rng_state": lambda *_: empty(0),
        "set_rng_state": lambda *_: None,
        "is_current_stream_capturing": lambda: False,
    }
    with contextlib.ExitStack() as stack:
        for name, answer in answers.items():
            stack.enter_context(mock.patch.object(torch.cuda, name, answer))
        stack.enter_context(mock.patch.object(torch.Tensor, "pin_memory", lambda tensor, *_, **__: tensor))
        stack.enter_context(mock.patch.object(torch, "empty", unpinned_empty))
        yield


def recorder() -> Any:
    """A dispatch mode that counts operations, copies between devices and reads by the host, with their places.

    A read cannot be answered, since there are no values; it is counted and answered with an invented one, so that what
    comes behind it runs too.
    """
    import torch
    from torch._subclasses.fake_tensor import DataDependentOutputException
    from torch.utils._python_dispatch import TorchDispatchMode

    torch._C._set_only_lift_cpu_tensors(True)  # torch.tensor(values, device="cuda") is then a copy that is seen

    class Recorder(TorchDispatchMode):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.operations: collections.Counter[str] = collections.Counter()
            self.blocking_copies: collections.Counter[str] = collections.Counter()
            self.copies: collections.Counter[str] = collections.Counter()
            self.reads: collections.Counter[str] = collections.Counter()

        def clear(self) -> None:
            for counter in (self.operations, self.blocking_copies, self.copies, self.reads):
                counter.clear()
            WAITS.clear()

        def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            kwargs = kwargs or {}
            try:
                result = function(*args, **kwargs)
            except DataDependentOutputException:
                if args[0].device.type == "cuda":  # main memory can be read without waiting
                    self.reads[f"{function} at {where()}"] += 1
                dtype = args[0].dtype
                return True if dtype is torch.bool else 1.0 if dtype.is_floating_point else 1
            name = str(function)
            self.operations[name] += 1
            if name in ("aten._to_copy.default", "aten.copy_.default"):
                source, target = (args[1], args[0]) if name == "aten.copy_.default" else (args[0], result)
                if isinstance(source, torch.Tensor) and source.device.type != target.device.type:
                    is_async = kwargs.get("non_blocking") or (len(args) > 2 and args[2])
                    counter = self.copies if is_async else self.blocking_copies
                    counter[f"{source.device.type} to {target.device.type} at {where()}"] += 1
            return result

    return Recorder()
