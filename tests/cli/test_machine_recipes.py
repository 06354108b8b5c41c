"""Every torchrun line of the documents starts what it should: read by torchrun's own parser and then by ours."""

import re
import shlex
import subprocess
from pathlib import Path
from string import Template
from typing import Any

import pytest
import yaml
from torch.distributed.run import get_args_parser

from gpt25.cli.commands import train
from gpt25.cli.parsing import parse

ROOT = Path(__file__).parents[2]
SLURM, SKY = ROOT / "docs" / "recipes" / "train.slurm", ROOT / "docs" / "recipes" / "train.sky.yaml"
TRAIN, EIGHT = ROOT / "docs" / "how_to" / "train.md", ROOT / "docs" / "start" / "eight_gpus.md"
VALUES = {
    "SLURM_NNODES": "4",
    "SLURM_JOB_ID": "123",
    "SKYPILOT_NUM_NODES": "1",
    "SKYPILOT_NUM_GPUS_PER_NODE": "8",
    "GPUS": "8",
    "RECIPE": "gpt2_124m",
    "RUN": "runs/gpt2_124m",
    "first": "node-1",
}


def torchrun_lines(path: Path) -> list[list[str]]:
    """The words behind each torchrun with its variables filled in, from scripts and from documents' examples."""
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    text = Template(text).safe_substitute(VALUES) if path.suffix != ".md" else text
    found = re.findall(r"(?m)\btorchrun (--n[^`\n]* gpt25 train [^`\n]*)", text)
    return [shlex.split(line.replace("RECIPE", "gpt2_124m").replace("N ", "2 ")) for line in found]


def lines() -> list[Any]:
    paths = [TRAIN, EIGHT, ROOT / "docs" / "many_gpus.md", SLURM, SKY, ROOT / "gpt25/cli/commands/train.py"]
    return [
        pytest.param(words, id=f"{path.name} {number}")
        for path in paths
        for number, words in enumerate(torchrun_lines(path))
    ]


def test_every_document_has_its_line() -> None:
    paths = (TRAIN, EIGHT, ROOT / "docs" / "many_gpus.md", SLURM, SKY)
    assert [len(torchrun_lines(path)) for path in paths] == [1, 1, 2, 1, 1]


@pytest.mark.parametrize("words", lines())
def test_torchrun_and_then_gpt25_understand_it(words: list[str]) -> None:
    understood = get_args_parser().parse_args(words)
    assert understood.module is True
    assert int(understood.nproc_per_node) >= 2
    script, arguments = understood.training_script, understood.training_script_args
    # A leading "--" is dropped by torchrun before it starts the module.
    assert [script, *arguments][:2] == ["gpt25", "train"]
    ours = parse(train, "train", arguments[1:])
    assert ours.recipe == "gpt2_124m"
    assert ours.run.name
    if understood.nnodes not in ("1", "1:1"):
        assert understood.rdzv_backend == "c10d"
        assert understood.rdzv_endpoint.endswith(":29500")


def test_scripts_are_bash() -> None:
    sky = yaml.safe_load(SKY.read_text(encoding="utf-8"))
    for script in (SLURM.read_text(encoding="utf-8"), sky["setup"], sky["run"]):
        done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")


def test_the_sky_file_is_whole() -> None:
    sky = yaml.safe_load(SKY.read_text(encoding="utf-8"))
    assert sky.keys() == {"name", "num_nodes", "resources", "envs", "file_mounts", "workdir", "setup", "run"}
    assert sky["resources"]["accelerators"] == "H100:8"
    assert sky["file_mounts"]["/runs"]["mode"] == "MOUNT_CACHED"
    assert "/runs/" in sky["run"]


def test_slurm_options_are_read_before_the_first_command() -> None:
    text = SLURM.read_text(encoding="utf-8")
    head = text[: text.index("set -euo")]
    assert text.count("#SBATCH --") == head.count("#SBATCH --") == 10
    assert "TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1" in text
