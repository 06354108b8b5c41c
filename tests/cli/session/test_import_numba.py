"""Without scipy the kernels' compiler is there in half the time, and scipy is only put off."""

import subprocess
import sys

import pytest

pytest.importorskip("scipy", reason="hiding it has no effect where it is missing")

PROGRAM = """
import sys
from gpt25.cli.session.import_numba import import_numba
if "{first}":
    import scipy.linalg
before = {{name for name in sys.modules if name.startswith("scipy")}}
import_numba()
from numba import njit
assert njit(lambda x: x + 1)(1) == 2
print({{name for name in sys.modules if name.startswith("scipy")}} == before, "numba.np.arraymath" in sys.modules)
import scipy.linalg
print(scipy.linalg.norm([3, 4]))
"""


@pytest.mark.parametrize("first", ["", "scipy"])
def test_numba_is_ready_and_scipy_is_as_it_was(first: str) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM.format(first=first)], capture_output=True, text=True)
    assert done.stdout.split() == ["True", "True", "5.0"], done.stderr
