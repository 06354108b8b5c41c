"""The report that a training run ends with: its own money, positions and lines, with nothing asked."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest

from gpt25.cli.main import main
from gpt25.data import PreparedData
from gpt25.errors import ConfigurationError
from gpt25.model import Accounting, GPTConfiguration, GPTModel
from gpt25.recipes import pretrain
from gpt25.recipes.run.run_report import draw_run
from gpt25.records import RunDirectory
from gpt25.training import (
    BatchConfiguration,
    DataConfiguration,
    LoopConfiguration,
    ScheduleConfiguration,
    TrackConfiguration,
    TrainingConfiguration,
)
from gpt25.weights import save_pretrained


@pytest.fixture
def configuration(data: PreparedData) -> TrainingConfiguration:
    return TrainingConfiguration(
        model=GPTConfiguration(
            block_size=32, vocabulary_size=320, number_of_layers=1, number_of_heads=2, number_of_embedding_dimensions=16
        ),
        data=DataConfiguration(directory=str(data.directory), validation_tokens=320),
        batch=BatchConfiguration(tokens_per_update=64),
        schedule=ScheduleConfiguration(warm_up_updates=1),
        loop=LoopConfiguration(
            number_of_updates=4, validation_interval_in_updates=2, device="cpu", precision="float32"
        ),
        track=TrackConfiguration(price_per_hour=7.2),
    )


def test_a_run_ends_with_its_money_its_positions_and_the_end(
    configuration: TrainingConfiguration, tmp_path: Path, reporter: Any
) -> None:
    run = pretrain(configuration, tmp_path / "run", reporter=reporter)
    summary = run.read_summary()
    assert summary is not None
    assert (summary.finished, summary.model_parameters, summary.tokens) == (True, 8_944, 256)
    assert summary.training_operations_per_token == Accounting(configuration.model).training_operations_per_token
    assert summary.validation_loss == run.metrics()[-1]["validation_loss"]
    page = run.report_path.read_text(encoding="utf-8")
    assert "Still in training" not in page
    assert "Trained to a validation loss of" in page
    assert "run: 7.2 USD an hour; only the time of training" in page
    assert re.search(r"<b>run, update 4</b>roughness \d", page)
    assert page.count("data:image/png;base64,") == 1
    assert "OpenAI" not in page  # its tokens are not GPT-2's, and no model of OpenAI's is at hand


def test_a_report_drawn_later_is_the_same_and_damage_costs_only_the_positions(
    configuration: TrainingConfiguration, tmp_path: Path, reporter: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    run = pretrain(configuration, tmp_path / "run", reporter=reporter)
    at_the_end = run.report_path.read_bytes()
    assert main(["plot", "report", str(run.path)]) == 0
    assert run.report_path.read_bytes() == at_the_end
    assert main(["compare", str(run.path)]) == 0
    assert run.report_path.read_bytes() == at_the_end
    weights = run.checkpoint_path(4) / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-8])
    draw_run(run, reporter)
    assert reporter.noted[-1].startswith(f"the report of {run.path} lacks the positional embeddings: ")
    assert "Positional embeddings" not in run.report_path.read_text(encoding="utf-8")


def test_openais_positions_stand_beside_where_the_cache_has_them(
    configuration: TrainingConfiguration, tmp_path: Path, reporter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    save_pretrained(GPTModel(configuration.model), None, tmp_path / "cached")
    longer = dataclasses.replace(configuration.model, block_size=64)
    save_pretrained(GPTModel(longer), None, tmp_path / "longer")

    def cached(repository: str) -> Path:
        asked.append(repository)
        return tmp_path / "cached"

    monkeypatch.setattr("gpt25.figures.positions_of_run.cached_model", cached)
    run = pretrain(configuration, tmp_path / "run", reporter=reporter)
    assert asked == ["openai-community/gpt2"]
    assert "<b>OpenAI&#x27;s gpt2</b>roughness" in run.report_path.read_text(encoding="utf-8")
    monkeypatch.setattr("gpt25.figures.positions_of_run.cached_model", lambda _: tmp_path / "longer")
    draw_run(run, reporter)  # fewer positions are smoother or rougher for their number alone
    assert "OpenAI&#x27;s gpt2" not in run.report_path.read_text(encoding="utf-8")


def test_openais_lines_are_those_of_the_set_that_the_recipe_or_the_index_names(tmp_path: Path, reporter: Any) -> None:
    run = RunDirectory(tmp_path)
    run.recipe_path.write_text('[model]\nvocabulary_size = 50257\n[track]\ndata_set = "fineweb"\nprice_per_hour = 36\n')
    for update, loss in enumerate((4.0, 3.0), start=1):
        seconds, tokens = 100.0 * update, 1_000_000 * update
        row = {"update": update, "tokens": tokens, "training_loss": loss, "elapsed_seconds": seconds}
        run.append_metrics({**row, "validation_loss": loss})
    draw_run(run, reporter)
    sentence = "crosses GPT-2 124M (3.42496) at 1.58 million tokens, 2 min 38 s, 1.58 USD"
    assert sentence in run.report_path.read_text(encoding="utf-8")
    with_line = run.loss_picture_path.read_bytes()
    run.data_path.mkdir()
    (run.data_path / "index.json").write_text(json.dumps({"sources": ["HuggingFaceFW/fineweb-edu"]}))
    draw_run(run, reporter)  # the index knows better than the recipe
    assert "crosses GPT-2 124M (3.2924) at" in run.report_path.read_text(encoding="utf-8")
    assert run.loss_picture_path.read_bytes() != with_line
    assert reporter.noted == []


def test_a_set_without_published_losses_is_refused_at_the_start(
    configuration: TrainingConfiguration, tmp_path: Path, reporter: Any
) -> None:
    unknown = dataclasses.replace(configuration, track=TrackConfiguration(data_set="pile"))
    with pytest.raises(ConfigurationError) as caught:
        pretrain(unknown, tmp_path / "run", reporter=reporter)
    assert str(caught.value) == (
        "track.data_set is 'pile'; OpenAI's losses are known on fineweb, fineweb-edu, openwebtext. Leave it out for "
        "other texts."
    )
    assert not (tmp_path / "run" / "run.toml").exists()
