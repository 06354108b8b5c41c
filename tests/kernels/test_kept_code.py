"""Code on disk only saves time: whatever happens to it, texts come as without it."""

import errno
import importlib.util
import shutil
from pathlib import Path
from types import ModuleType

import pytest
from numba.core import caching, config

from gpt25.kernels import compiled as compilation

MODULE = """
from gpt25.kernels.compiled import compiled_and_kept

@compiled_and_kept
def twice(value):
    return value + value
"""


def imported(folder: Path) -> ModuleType:
    """The module of the kernel, imported anew."""
    specification = importlib.util.spec_from_file_location("kernel_of_test", folder / "kernel_of_test.py")
    assert specification is not None
    assert specification.loader is not None
    kernel = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(kernel)
    return kernel


def called(folder: Path, value: float = 21) -> tuple[float, int]:
    """What the function gives when its module is imported anew, and how often its code came from the disk."""
    kernel = imported(folder)
    return kernel.twice(value), sum(kernel.twice.stats.cache_hits.values())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path / "kept"))
    (tmp_path / "kernel_of_test.py").write_text(MODULE)
    assert called(tmp_path) == (42, 0)
    assert called(tmp_path) == (42, 1), "it is kept"
    return tmp_path


@pytest.mark.parametrize("ending", ["nbi", "nbc"])
@pytest.mark.parametrize("content", [b"", b"no code at all", None])
def test_damaged_code_is_made_anew_and_mended(folder: Path, ending: str, content: bytes | None) -> None:
    (path,) = (folder / "kept").rglob(f"*.{ending}")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] if content is None else content)
    assert called(folder) == (42, 0)
    assert called(folder) == (42, 1)


def test_code_of_another_signature_is_not_taken(folder: Path) -> None:
    """Two processes that began together may have numbered their code alike."""
    (whole,) = (folder / "kept").rglob("*.1.nbc")
    assert called(folder, 21.0) == (42.0, 0)
    (floats,) = (folder / "kept").rglob("*.2.nbc")
    shutil.copyfile(floats, whole)
    assert called(folder) == (42, 0)


def test_a_full_disk_costs_only_the_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(caching.IndexDataCacheFile, "_save_data", full)
    assert called(folder, 21.0) == (42.0, 0)


def test_where_no_folder_can_be_written_nothing_is_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "CACHE_LOCATOR_CLASSES", "UserProvidedCacheLocator")
    monkeypatch.setattr(config, "CACHE_DIR", "")
    assert called(folder) == (42, 0)


def test_a_change_of_any_source_makes_old_code_worthless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = Path(compilation.__file__).parent
    copy = tmp_path / "kernels"
    shutil.copytree(package, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(compilation, "__file__", str(copy / "compiled.py"))
    before = compilation._digest_of_sources()
    assert before == compilation._digest_of_sources()
    with (copy / "linear.py").open("a") as source:
        source.write("\n")
    assert compilation._digest_of_sources() != before


def test_whether_code_is_kept_is_known_before_it_is_called(folder: Path) -> None:
    kernel = imported(folder)
    assert compilation.is_kept(kernel.twice)
    (path,) = (folder / "kept").rglob("*.nbi")
    path.write_bytes(b"no code at all")
    assert not compilation.is_kept(kernel.twice)
    path.unlink()
    assert not compilation.is_kept(kernel.twice)
    assert not compilation.is_kept(compilation.compiled(lambda value: value)), "is never kept"
