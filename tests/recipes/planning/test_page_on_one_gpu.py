"""What the page on one GPU promises in hours and money is what the plan says."""

import re
from pathlib import Path

import pytest
import torch

from gpt25.recipes import load_recipe
from gpt25.recipes.planning.plan import plan

_PAGE = Path(__file__).parents[3] / "docs" / "one_gpu_from_ssh_to_report.md"
_ROW = re.compile(r"\| (?:(\d+) x )?([A-Z][^|]*) \| (\d+) h (\d+) min \| ([\d.]+) \| ([\d.]+) \|")


def test_the_pages_hours_and_money_are_the_plans(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gpt25.recipes.planning.hardware.choose_device", lambda name: torch.device("cpu"))
    rows = _ROW.findall(_PAGE.read_text(encoding="utf-8"))
    assert len(rows) == 5
    recipe = load_recipe("gpt2_124m")
    for gpus, gpu, hours, minutes, price, money in rows:
        found = plan(recipe, gpus=int(gpus or 1), gpu=gpu, price_per_hour=float(price))
        assert 60 * int(hours) + int(minutes) == pytest.approx(60 * found.total_hours, abs=1), gpu
        assert f"{found.total_money:.2f}" == money, gpu
