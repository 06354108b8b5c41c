"""What a GPU would launch, and the bytes that it would read and write: of eager operations and of Inductor's programs.

A launch is one of Triton's kernels or one call of a library's; where torch launches several for a list of tensors,
each counts. Bytes are those of all that is read and written once, from the shapes; a kernel that reads a tensor twice
counts it twice. What a cache keeps is not known here.
"""

import collections
import contextlib
import dataclasses
import math
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from pretended_compiler import Program
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

PRODUCTS = ("mm", "addmm", "bmm", "baddbmm", "add_product", "attention")
"""What the names of matrix products and of attention hold."""
_GATHERS = ("embedding.default", "gather.default", "index.Tensor", "index_select")
_SCATTERS = ("scatter", "index_put", "index_add", "embedding_dense_backward")
_NOT_READ = ("copy_", "zero_", "fill_", "_foreach_copy_", "_foreach_zero_")
_LIKE_ANOTHER = ("new_zeros", "new_ones", "new_full", "zeros_like", "ones_like", "full_like")
"""Operations that ask a tensor for its shape or dtype alone."""
_NOTHING_LAUNCHED = ("aten.empty", "_unsafe_view", "prim.device", "detach", "lift_fresh", "profiler.")
# ATen/native/cuda/MultiTensorApply.cuh: tensors that one launch takes where it works on 1, 2, ... lists, and elements.
_TENSORS_OF_A_LAUNCH, _BLOCKS_OF_A_LAUNCH, _ELEMENTS_OF_A_BLOCK = (110, 64, 48, 36, 30), 320, 65_536


@dataclasses.dataclass
class Traffic:
    """Launches and bytes of one part of the work."""

    launches: int = 0
    between: int = 0
    """Bytes read and written by all but products."""
    products: int = 0
    """Bytes read and written by matrix products and attention."""

    def add(self, name: str, number_of_bytes: int, *, launches: int = 1) -> None:
        """Count one operation."""
        self.launches += launches
        if any(word in name for word in PRODUCTS):
            self.products += number_of_bytes
        else:
            self.between += number_of_bytes


def bytes_of(tensor: Tensor) -> int:
    """Bytes of what a tensor holds, repetitions by broadcasting once."""
    sizes = (size for size, stride in zip(tensor.shape, tensor.stride(), strict=True) if stride)
    return math.prod(sizes) * tensor.element_size()


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    return [each for part in value for each in _tensors(part)] if isinstance(value, list | tuple) else []


def _launches_for_lists(function: Any, arguments: Iterable[Any]) -> int:
    """How many launches torch needs for one operation on lists of tensors; of two dtypes only copies are joined."""
    lists = [_tensors(each) for each in arguments if isinstance(each, list | tuple) and _tensors(each)]
    if not lists:
        return 1
    if len({tensor.dtype for tensors in lists for tensor in tensors}) > 1 and "_foreach_copy_" not in str(function):
        return len(lists[0])
    most = _TENSORS_OF_A_LAUNCH[min(len(lists), 5) - 1]
    launches, tensors, blocks = 1, 0, 0
    for tensor in lists[0]:
        needed = -(-tensor.numel() // _ELEMENTS_OF_A_BLOCK)
        if tensors == most:
            launches, tensors, blocks = launches + 1, 0, 0
        tensors += 1
        more = max(0, -(-(blocks + needed) // _BLOCKS_OF_A_LAUNCH) - 1)
        launches, blocks = launches + more, blocks + needed - more * _BLOCKS_OF_A_LAUNCH
    return launches


def traffic_of(function: Any, arguments: dict[str, Any], result: Any) -> int:
    """Bytes that one operation reads and writes, arguments under their names in the schema."""
    name, schema = str(function), {each.name: each for each in function._schema.arguments}
    written = [value for key, value in arguments.items() if (info := schema[key].alias_info) and info.is_write]
    outputs = [tensor for tensor in _tensors(result) if not any(tensor is each for each in _tensors(written))]
    total = sum(map(bytes_of, outputs + _tensors(written)))
    if any(word in name for word in _GATHERS):
        return total + sum(map(bytes_of, outputs)) + sum(bytes_of(each) for each in _tensors([*arguments.values()][1:]))
    if any(word in name for word in _SCATTERS):
        moved = max(map(bytes_of, _tensors([*arguments.values()][1:])))
        return 3 * moved + (total if not written else 0)
    operation = name.split(".")[1]
    if operation in _LIKE_ANOTHER:
        return total
    for key, value in arguments.items():
        is_overwritten = key == "out" or (operation in _NOT_READ and schema[key].alias_info is not None)
        if not is_overwritten:
            total += sum(map(bytes_of, _tensors(value)))
    return total


def _named(function: Any, args: Any, kwargs: Any) -> dict[str, Any]:
    names = [each.name for each in function._schema.arguments]
    return {**dict(zip(names, args, strict=False)), **kwargs}


def _is_view(function: Any, name: str) -> bool:
    """Whether nothing is launched: a view, or what only asks or allocates."""
    returns = function._schema.returns
    is_alias = bool(returns) and all(each.alias_info is not None and not each.alias_info.is_write for each in returns)
    return is_alias or any(word in name for word in _NOTHING_LAUNCHED)


class Meter(TorchDispatchMode):
    """Counts all that is launched while it is on, by parts."""

    def __init__(self, part_of: Callable[[str], str]) -> None:
        """part_of: the part that an operation of that name belongs to, asked when it runs; "" leaves it out."""
        super().__init__()
        self.parts: dict[str, Traffic] = collections.defaultdict(Traffic)
        self.kernels: list[tuple[str, str, int]] = []
        """Part, name and bytes of each launch, in order."""
        self._part_of = part_of
        self._inside = False

    @classmethod
    def is_infra_mode(cls) -> bool:
        """So that torch.compile compiles although a mode is on."""
        return True

    def clear(self) -> None:
        """Forget everything so far."""
        self.parts.clear()
        self.kernels.clear()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        name = str(function)
        if not self._inside and not _is_view(function, name) and (part := self._part_of(name)):
            arguments = _named(function, args, kwargs or {})
            self._add(
                part, name, traffic_of(function, arguments, result), _launches_for_lists(function, arguments.values())
            )
        return result

    @contextlib.contextmanager
    def running(self, program: Program) -> Iterator[None]:
        """While a program runs: its own launches count, and not the operations of its graph."""
        part = self._part_of("program")
        for name, number_of_bytes in launches_of(program):
            self._add(part, name, number_of_bytes, 1)
        before, self._inside = self._inside, True
        yield
        self._inside = before

    def _add(self, part: str, name: str, number_of_bytes: int, launches: int) -> None:
        self.parts[part].add(name, number_of_bytes, launches=launches)
        self.kernels.append((part, name, number_of_bytes))


_KERNEL = re.compile(r"(triton_\w+) = async_compile\.triton\('\w+', '''(.*?)'''", re.DOTALL)
_GIGABYTES = re.compile(r"'kernel_num_gb': ([0-9.e+-]+)")
_CALL = re.compile(r"(triton_\w+)\.run\((.*)\)")
_LIBRARY = re.compile(r"(extern_kernels\.\w+|torch\.ops\.(?!aten\.(?:view|empty))\w+\.\w+(?:\.\w+)?)\(")
_SUM_OF_WORKSPACE = re.compile(r"workspace_\d+\[.*\* \((\d+)\) \* \((\d+)\)\]\.view.*\.sum\(")
_BUFFER = re.compile(r"(\w+) = empty_strided_cuda\(\(([\d, ]*)\), \([\d, ]*\), torch\.(\w+)\)")
_SAME = re.compile(r"(\w+) = (?:reinterpret_tensor\()?(\w+)[,;]")


def launches_of(program: Program) -> list[tuple[str, int]]:
    """Name and bytes of every launch of a program, in order."""
    kernels = dict(_KERNEL.findall(program.text))
    call = program.text[program.text.index("def call(") :]
    products, sizes = _products(program.graph), _sizes(program.graph, call)
    found = []
    for line in call.splitlines():
        if match := _CALL.search(line):
            text, arguments = kernels[match[1]], [each.strip() for each in match[2].split(",")]
            gigabytes = _GIGABYTES.search(text)
            once = sum(sizes.get(name, 0) for name in arguments)  # of what joins tensors of a list, torch does not say
            again = sum(times * sizes.get(arguments[position], 0) for position, times in _read_again(text).items())
            found.append((match[1], (round(float(gigabytes[1]) * 1e9) if gigabytes else once) + again))
        elif match := _SUM_OF_WORKSPACE.search(line):
            found.append(("sum of a workspace", 4 * int(match[1]) * int(match[2])))
        elif (match := _LIBRARY.search(line)) and "assert_" not in line:
            found.append((match[1], products.pop(0)))
    assert not products, "the program calls fewer products than its graph has"
    return found


def _products(graph: Any) -> list[int]:
    """Bytes that each of a graph's products reads and writes, in the order in which the program calls them."""
    found = []
    for node in graph.graph.nodes:
        if node.op == "call_function" and any(word in str(node.target) for word in PRODUCTS):
            arguments = _named(node.target, _values(node.args), _values(node.kwargs))
            found.append(traffic_of(node.target, arguments, _values(node.meta.get("val"))))
    return found


def _values(argument: Any) -> Any:
    """The tensors that nodes stand for, in lists and the like too."""
    if isinstance(argument, torch.fx.Node):
        return argument.meta.get("val")
    if isinstance(argument, dict):
        return {key: _values(value) for key, value in argument.items()}
    return [_values(each) for each in argument] if isinstance(argument, list | tuple) else argument


def _sizes(graph: Any, call: str) -> dict[str, int]:
    """Bytes of every tensor under its names in the program."""
    values = {node.name: node.meta.get("val") for node in graph.graph.nodes if node.op == "placeholder"}
    sizes = {name: bytes_of(value) for name, value in values.items() if isinstance(value, Tensor)}
    for line in call.splitlines():
        if match := _BUFFER.search(line):
            shape = [int(size) for size in match[2].split(",") if size.strip()]
            sizes[match[1]] = math.prod(shape) * getattr(torch, match[3]).itemsize
        elif (match := _SAME.search(line)) and match[2] in sizes:
            sizes[match[1]] = sizes[match[2]]
    return sizes


def _read_again(text: str) -> dict[int, int]:
    """The positions of arguments that a kernel reads in more than one of its loops, and how often beyond once."""
    loops = text.split("for r0_offset")[1:]
    names = re.search(r"def triton_\w+\(([^)]*)\)", text)
    assert names is not None
    parameters = [name.split(":")[0].strip() for name in names[1].split(",")]
    reading = collections.Counter(
        name for loop in loops for name in set(re.findall(r"tl\.load\((\w+) \+ \([^)]*r0_", loop))
    )
    return {parameters.index(name): times - 1 for name, times in reading.items() if times > 1}
