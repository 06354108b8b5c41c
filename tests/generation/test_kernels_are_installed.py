"""A Numba that is there in vain: torch computes, and one remark says why."""

import re
import sys
import tomllib
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpt25.errors import GPT25Warning, MissingExtraError
from gpt25.generation import TextGenerator, choose_generating_precision, generating_precision, kernels_are_installed
from gpt25.model import GPTConfiguration, GPTModel, ModelArrays
from gpt25.tokenizer import Tokenizer


@pytest.fixture(autouse=True)
def asked_anew() -> Iterator[None]:
    kernels_are_installed.cache_clear()
    yield
    kernels_are_installed.cache_clear()


@pytest.fixture
def no_numba(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generating_precision.importlib.util, "find_spec", lambda name: None)


def pretend(monkeypatch: pytest.MonkeyPatch, *, version: str = "0.63.1", disabled: int = 0) -> None:
    numba = types.ModuleType("numba")
    numba.__version__ = version  # type: ignore[attr-defined]
    numba.config = types.SimpleNamespace(DISABLE_JIT=disabled)  # type: ignore[attr-defined]
    numba.__spec__ = types.SimpleNamespace()  # type: ignore[assignment]
    monkeypatch.setitem(sys.modules, "numba", numba)


def test_a_numba_that_works_is_taken_without_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch)
    assert kernels_are_installed()


def test_one_that_is_too_old_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, version="0.62.1")
    with pytest.warns(
        GPT25Warning, match=r"torch computes instead: Numba 0\.62\.1 is older than 0\.63; install it again"
    ):
        assert not kernels_are_installed()
    assert choose_generating_precision("cpu", "float32").name == "float32", "and it is said once"


def test_one_that_is_told_not_to_compile_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, disabled=1)
    with pytest.warns(GPT25Warning, match="NUMBA_DISABLE_JIT is set, which keeps Numba from compiling; unset it"):
        assert choose_generating_precision("cpu", "int8").load_name == "bfloat16"


def test_one_that_cannot_be_imported_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "numba.py").write_text("raise ImportError('Numba needs NumPy 2.3 or less. Got NumPy 9.9.')")
    for name in [name for name in sys.modules if name.partition(".")[0] == "numba"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.warns(GPT25Warning, match=r"cannot be imported \(Numba needs NumPy 2\.3 or less\. Got NumPy 9\.9\.\)"):
        assert not kernels_are_installed()


def test_the_oldest_is_the_one_of_the_extra() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    (range_of_numba,) = [each for each in project["project"]["optional-dependencies"]["fast"] if each[:5] == "numba"]
    assert re.findall(r"\d+", range_of_numba) == [str(part) for part in generating_precision._OLDEST_NUMBA]


def test_a_model_of_arrays_without_the_extra_says_what_to_install(no_numba: None, byte_tokenizer: Tokenizer) -> None:
    configuration = GPTConfiguration(
        block_size=8, vocabulary_size=300, number_of_layers=1, number_of_heads=1, number_of_embedding_dimensions=8
    )
    with pytest.raises(MissingExtraError, match="a model of arrays needs the extra fast.*install it with: "):
        TextGenerator(ModelArrays.of(GPTModel(configuration)), byte_tokenizer)
