from pathlib import Path

import pytest

from gpt25.runtime import gpu_signs, may_have_gpu


@pytest.fixture
def devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a machine of Linux has in /dev."""
    monkeypatch.setattr(gpu_signs.sys, "platform", "linux")
    monkeypatch.setattr(gpu_signs, "DEVICES", tmp_path)
    for name in ("null", "nvme0n1", "nvram"):
        (tmp_path / name).touch()
    return tmp_path


def test_a_linux_without_signs_has_none(devices: Path) -> None:
    assert not may_have_gpu()


@pytest.mark.parametrize("name", ["nvidia0", "nvidiactl", "nvhost-ctrl", "nvmap", "nvgpu", "kfd", "dxg"])
def test_every_drivers_sign_is_seen(devices: Path, name: str) -> None:
    (devices / name).touch()
    assert may_have_gpu()


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_other_systems_are_in_doubt(devices: Path, monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    monkeypatch.setattr(gpu_signs.sys, "platform", platform)
    assert may_have_gpu()


def test_a_folder_that_is_not_linuxs_is_in_doubt(devices: Path) -> None:
    (devices / "null").unlink()
    assert may_have_gpu()
