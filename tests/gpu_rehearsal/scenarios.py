"""Scenes of our GPU path on FakeTensors: `python scenarios.py STAND_IN SCENE …` prints a JSON object for each."""

import dataclasses
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import pretended_gpu

if __name__ == "__main__":
    pretended_gpu.load(Path(sys.argv[1]))

import numpy as np
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from gpt25.data import TokenShards, open_shards
from gpt25.data.shards.shard_format import shard_header
from gpt25.model import GPTConfiguration, GPTModel, KeyValueCache, evaluating
from gpt25.recipes import load_recipe
from gpt25.records import RunDirectory
from gpt25.training import Trainer, TrainingConfiguration
from gpt25.training.loop import trainer as trainer_module
from gpt25.training.loop.gradient_update import GradientUpdate
from gpt25.training.loss import gpu_loss

VOCABULARY, BLOCK = 4_096, 128
SHAPE = GPTConfiguration(
    block_size=BLOCK,
    vocabulary_size=VOCABULARY,
    number_of_layers=2,
    number_of_heads=2,
    number_of_embedding_dimensions=64,
)
EVERYTHING = {
    "clip_gradient_norm": 1.0,
    "muon_beta_2": 0.95,
    "muon_soap_beta_2": 0.9,
    "cautious_weight_decay": True,
    "weight_decay": 0.1,
    "muon_weight_decay": 0.1,
}


NOT_LAUNCHED = (
    *("view", "aten.t.", "transpose", "slice", "select", "split", "unbind", "detach", "alias", "expand", "permute"),
    *("chunk", "lift", "prim.device", "profiler"),
)
"""What the names of operations hold that launch nothing on a GPU."""


class NoSignals:
    """What a cycle asks for signals."""

    received = None


def on_the_device(initial_model: GPTModel | None, configuration: TrainingConfiguration) -> GPTModel:
    """A model that is made where it stays; its values do not matter."""
    with torch.device(configuration.loop.device), mock.patch.object(GPTModel, "initialise"):
        return GPTModel(configuration.model)


def shards(folder: Path, split: str) -> TokenShards:
    names = {"train": "train", "validation": "val"}
    path = folder / f"x_{names[split]}_000000.bin"
    if not path.exists():
        tokens = np.random.default_rng(0).integers(VOCABULARY, size=60_000, dtype=np.uint16)
        path.write_bytes(shard_header(len(tokens)) + tokens.tobytes())
    return open_shards(folder, split, vocabulary_size=VOCABULARY)  # type: ignore[arg-type]


def recipe(name: str, folder: Path, *, device: str = "cuda", **sections: dict[str, Any]) -> TrainingConfiguration:
    """A packaged recipe with a small model and small updates, uncompiled: what is compiled does the same operations."""
    given = load_recipe(name)
    changes: dict[str, dict[str, Any]] = {
        "data": {"directory": str(folder), "validation_tokens": 8 * BLOCK},
        "batch": {"tokens_per_update": 8 * BLOCK, "micro_batch_rows": 4, "short_sequences": ((0.5, BLOCK // 2),)},
        "loop": {"device": device, "compile": False, "number_of_updates": 8, "shard_parameters": False},
        "schedule": {"warm_up_updates": 2},
    }
    for section, values in sections.items():
        changes[section] = changes.get(section, {}) | values
    replaced = {section: dataclasses.replace(getattr(given, section), **values) for section, values in changes.items()}
    return dataclasses.replace(given, model=SHAPE, **replaced)


@contextmanager
def rehearsal(configuration_of: Callable[[Path], TrainingConfiguration]) -> Iterator[tuple[Trainer, Any]]:
    """A trainer on a pretended GPU, and the recorder that watches it."""
    recorder = pretended_gpu.recorder()
    patches = (
        mock.patch.object(trainer_module, "build_model", on_the_device),
        mock.patch.object(GPTModel, "to", lambda model, *_, **__: model),
        mock.patch.object(gpu_loss, "_compiled", lambda function: function),
    )
    with tempfile.TemporaryDirectory() as name, patches[0], patches[1], patches[2], pretended_gpu.pretended_gpus():
        folder = Path(name)
        with FakeTensorMode(allow_non_fake_inputs=True), recorder:
            configuration = configuration_of(folder)
            trainer = Trainer(
                configuration,
                run=RunDirectory(folder / "run"),
                train_shards=shards(folder, "train"),
                validation_shards=shards(folder, "validation"),
            )
            recorder.clear()
            yield trainer, recorder


def found(recorder: Any) -> dict[str, Any]:
    """The findings since they were last cleared."""
    return {
        "operations": sum(recorder.operations.values()),
        "reads": dict(recorder.reads),
        "blocking_copies": dict(recorder.blocking_copies),
        "copies": dict(recorder.copies),
        "waits": list(pretended_gpu.WAITS),
    }


def updates(trainer: Trainer, recorder: Any) -> dict[str, Any]:
    """Two updates, begun one after the other as late reading does it."""
    for update in (0, 1):
        trainer._cycle._begin(update, NoSignals())  # type: ignore[arg-type]
    return found(recorder)


def updates_of(name: str, **sections: dict[str, Any]) -> dict[str, Any]:
    with rehearsal(lambda folder: recipe(name, folder, **sections)) as (trainer, recorder):
        return updates(trainer, recorder)


def planted_read() -> dict[str, Any]:
    """A control: an update that looks at its norm must be found."""
    apply = GradientUpdate.apply_if_finite

    def looking(self: GradientUpdate, update: int, loss: torch.Tensor, norm: torch.Tensor) -> None:
        if float(norm) > 0:
            apply(self, update, loss, norm)

    with mock.patch.object(GradientUpdate, "apply_if_finite", looking):
        return updates_of("gpt2_124m")


def planted_mixture() -> dict[str, Any]:
    """A control: a tensor on the wrong device must be an error."""
    apply = GradientUpdate.apply_if_finite

    def mixing(self: GradientUpdate, update: int, loss: torch.Tensor, norm: torch.Tensor) -> None:
        apply(self, update, loss, norm * torch.ones(3)[:1])

    with mock.patch.object(GradientUpdate, "apply_if_finite", mixing):
        try:
            return updates_of("gpt2_124m")
        except Exception as problem:
            return {"error": type(problem).__name__}


def planted_copy() -> dict[str, Any]:
    """A control: a list that goes to the device tensor by tensor must be found."""
    apply = GradientUpdate.apply_if_finite

    def copying(self: GradientUpdate, update: int, loss: torch.Tensor, norm: torch.Tensor) -> None:
        apply(self, update, loss, norm * torch.ones(3).to(norm.device)[0])

    with mock.patch.object(GradientUpdate, "apply_if_finite", copying):
        return updates_of("gpt2_124m")


def optimizer_step() -> dict[str, Any]:
    """What one step launches, for each kind of operation; views launch nothing."""
    with rehearsal(lambda folder: recipe("gpt2_124m", folder)) as (trainer, recorder):
        loss, norm = trainer.gradient_update.accumulate(0)
        recorder.clear()
        trainer.gradient_update.apply_if_finite(0, loss, norm)
        launched = {
            name: count for name, count in recorder.operations.items() if not any(view in name for view in NOT_LAUNCHED)
        }
        return {"launches": sum(launched.values()), "by": dict(sorted(launched.items(), key=lambda pair: -pair[1]))}


def validation() -> dict[str, Any]:
    with rehearsal(lambda folder: recipe("gpt2_124m", folder)) as (trainer, recorder):
        trainer.validation_loss.measure()
        return found(recorder)


def averaging() -> dict[str, Any]:
    with rehearsal(lambda folder: recipe("gpt2_124m", folder, loop={"average_last_fraction": 1.0})) as (
        trainer,
        recorder,
    ):
        return updates(trainer, recorder)


def resume() -> dict[str, Any]:
    """The state of a checkpoint, which lies in main memory, goes back to the device."""
    with rehearsal(lambda folder: recipe("gpt2_124m", folder)) as (trainer, recorder):
        optimizers = trainer.gradient_update.optimizers
        optimizers.load_state({name: torch.zeros(tensor.shape) for name, tensor in optimizers.state().items()})
        devices = sorted({str(tensor.device) for tensor in optimizers.state().values()})
        recorder.clear()
        return updates(trainer, recorder) | {"devices": devices}


def second_gpu() -> dict[str, Any]:
    """On cuda:1, the event behind the figures belongs to cuda:1's stream."""
    with rehearsal(lambda folder: recipe("gpt2_124m", folder, device="cuda:1")) as (trainer, recorder):
        pretended_gpu.EVENTS.clear()
        result = updates(trainer, recorder)
        devices = sorted({str(parameter.device) for parameter in trainer.model.parameters()})
        return result | {"events": pretended_gpu.EVENTS[:], "devices": devices}


@contextmanager
def model_on_gpu() -> Iterator[tuple[GPTModel, Any]]:
    """A model on the pretended GPU for inference, watched."""
    recorder = pretended_gpu.recorder()
    with pretended_gpu.pretended_gpus(), FakeTensorMode(allow_non_fake_inputs=True), recorder:
        with torch.device("cuda"), mock.patch.object(GPTModel, "initialise"):
            model = GPTModel(SHAPE)
        yield model.eval(), recorder


def scoring() -> dict[str, Any]:
    """Several requests of a scorer, with barred tokens; answers are read at the end."""
    from gpt25.evaluation import ContinuationScorer, Request

    requests = [Request((1, 2, 3), (4, 5)), Request((1, 2, 3), (6, 7, 8)), Request((9, 9), (4,))]
    with model_on_gpu() as (model, recorder):
        ContinuationScorer(model, barred=[5, 7]).answer(requests)
        return found(recorder)


def sampling() -> dict[str, Any]:
    """The second of two steps of a batch of two, by each kind of sampling, with the forward pass before it."""
    from gpt25.generation import SamplingSettings
    from gpt25.generation.history import History
    from gpt25.generation.sample_next import draw_next

    kinds = {
        "greedy": SamplingSettings(temperature=0),
        "top-k": SamplingSettings(top_k=50, seed=1),
        "top-p": SamplingSettings(top_p=0.9, seed=1),
        "penalties": SamplingSettings(repetition_penalty=1.2, frequency_penalty=0.1, seed=1),
        "all that is settled": SamplingSettings(
            temperature=0.8, top_k=50, top_p=0.9, min_p=0.01, logit_bias=((3, 1.0), (5, -2.0)), seed=1
        ),
    }
    result = {}
    with model_on_gpu() as (model, recorder), evaluating(model):
        cache = KeyValueCache(SHAPE, batch_size=2, capacity=8, device=model.device, dtype=model.dtype)
        hidden = model.hidden_states(torch.zeros(2, 3, dtype=torch.int64, device="cuda"), cache=cache)
        logits = model.language_modeling_head(hidden[:, -1])  # (rows, vocabulary)
        for kind, settings in kinds.items():
            histories = [History([1, 2], [3, 4])] * 2
            draw = partial(draw_next, logits, settings=[settings, settings], histories=histories)
            draw(uniforms=[0.1, 0.2])
            recorder.clear()
            drawn = draw(uniforms=[0.3, 0.4])
            result[kind] = found(recorder) | {"device": str(drawn.device)}
    return result


def decoding() -> dict[str, Any]:
    """One new token in each of two slots, by what a CUDA graph would have recorded."""
    from gpt25.generation.engine import TorchRunner
    from gpt25.generation.engine.decode_graphs import DecodeGraphs

    rows = {"slots": [0, 1], "wanted": [0, 1]}
    with model_on_gpu() as (model, recorder), torch.no_grad():
        runner = TorchRunner(model, slots=2, capacity=8)
        assert runner._graphs is not None
        runner._graphs = DecodeGraphs(model, runner._cache, capture=lambda run: (lambda: run() is None, run()))
        read = partial(TorchRunner.read.__wrapped__, runner)  # FakeTensors know no inference mode
        read([1, 2, 3, 4, 5], slots=[0, 0, 0, 1, 1], positions=[0, 1, 2, 0, 1], wanted=[2, 4])
        read([1, 2], positions=[3, 2], **rows)
        recorder.clear()
        logits = read([1, 2], positions=[4, 3], **rows)
        return found(recorder) | {"device": str(logits.device)}


SCENES: dict[str, Callable[[], dict[str, Any]]] = {
    "muon": lambda: updates_of("gpt2_124m"),
    "adamw": lambda: updates_of("gpt2_124m_adamw"),
    "everything": lambda: updates_of("gpt2_124m", optimizer=EVERYTHING),
    "short stream": lambda: updates_of("gpt2_124m", speed={"short_residual_stream": True}),
    "planted read": planted_read,
    "planted mixture": planted_mixture,
    "planted copy": planted_copy,
    "optimizer step": optimizer_step,
    "validation": validation,
    "averaging": averaging,
    "resume": resume,
    "scoring": scoring,
    "sampling": sampling,
    "decoding": decoding,
    "second GPU": second_gpu,  # the last: it leaves the second one the current one
}


if __name__ == "__main__":
    for scene in sys.argv[2:] or SCENES:
        sys.stdout.write(json.dumps({"scene": scene, **SCENES[scene]()}) + "\n")
        sys.stdout.flush()
