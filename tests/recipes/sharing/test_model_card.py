"""What a model card says of runs whose records are written here, field by field."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pytest
import tomli_w
from huggingface_hub import ModelCard

from gpt25.model import GPTConfiguration, GPTModel
from gpt25.recipes.sharing.model_folder import model_folder
from gpt25.records import RunDirectory, Summary
from gpt25.storage import atomic_directory, write_manifest
from gpt25.tokenizer import Tokenizer
from gpt25.training import TrainingConfiguration
from gpt25.weights import save_pretrained, write_model_files

SHAPE = GPTConfiguration(
    block_size=32, vocabulary_size=262, number_of_layers=2, number_of_heads=2, number_of_embedding_dimensions=8
)
RECIPE: dict[str, Any] = {
    "model": {"vocabulary_size": 262},
    "data": {"directory": "/srv/someone/shards", "validation_tokens": 320, "validation_selection": "even"},
    "batch": {"tokens_per_update": 4096},
    "optimizer": {"name": "muon"},
    "schedule": {"name": "trapezoid"},
    "loop": {"sample_prompt": "def main("},
}
INDEX = {
    "tokenizer_name": "bpe-262",
    "train": {"tokens": 20_000, "documents": 70, "bytes": 70_000, "shards": []},
    "validation": {"tokens": 1_000, "documents": 3, "bytes": 4_000, "shards": []},
    "sources": ["/srv/someone/diary", "letters/*.txt"],
}


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., RunDirectory]:
    """A run with checkpoints after updates 10 and 20; `recipe` and `index` change what those say."""

    def make(
        *, recipe: dict[str, Any] | None = None, index: dict[str, Any] | None = None, **summary: Any
    ) -> RunDirectory:
        run = RunDirectory(tmp_path / "runs" / "mine")
        tokenizer = Tokenizer.train(["a few words, a few more words\n" * 9], vocabulary_size=262)
        for update in (10, 20):
            with atomic_directory(run.checkpoint_path(update)) as directory:
                write_model_files(GPTModel(SHAPE), tokenizer, directory)
                state = {"update": update, "tokens": 4096 * update, "elapsed_seconds": 61.0 * update}
                state["metrics"] = {"validation_loss": 5.0 - update / 100}
                (directory / "state.json").write_text(json.dumps(state))
                (directory / "optimizer.safetensors").write_bytes(b"8")
                write_manifest(directory)
            run.append_metrics(
                {"update": update, "tokens": 4096 * update, "training_loss": 5.0, "validation_loss": 4.9}
            )
        content = RECIPE | {"data": {**RECIPE["data"], "directory": str(tmp_path / "someone")}} | (recipe or {})
        run.recipe_path.write_text(tomli_w.dumps(content))
        (tmp_path / "someone").mkdir()
        (tmp_path / "someone" / "index.json").write_text(json.dumps(INDEX | (index or {})))
        run.environment_path.write_text(json.dumps({"gpt25": "9.9", "torch": "8.8", "processor": "A chip", "cores": 2}))
        run.write_summary(Summary(**{"title": "mine", "finished": True} | summary))
        return run

    return make


def card_of(run: RunDirectory, **options: Any) -> str:
    return model_folder(str(run.path), name="me/mine", **options).card


def keep(run: RunDirectory, task: str, update: int, **content: Any) -> None:
    run.write_evaluation({"task": task, "update": update, "metrics": {}} | content)


def test_what_was_trained_on_what_and_for_how_long(make_run: Callable[..., RunDirectory]) -> None:
    card = card_of(make_run())
    parameters = f"{sum(parameter.numel() for parameter in GPTModel(SHAPE).parameters()):,}"
    for said in (
        f"A GPT-2 of {parameters} parameters: 2 layers of 2 heads, 8 channels, a context of 32 tokens and a vocabulary",
        "It was trained from scratch with gpt25; these are its weights after update 20.",
        "It is a base model: it continues a text, and answers nobody.",
        "![Training and validation loss against training tokens](loss.png)",
        "| updates | 20 |",
        "| tokens seen | 81,920, 4.1 times the training text |",
        "| tokens of an update | 4,096 |",
        "| optimizer | muon |",
        "| learning-rate schedule | trapezoid |",
        "| time | 20 min 20 s |",
        "| machine | A chip, 2 cores |",
        "| software | gpt25 9.9, torch 8.8 |",
        "Trained on texts of the maker's own: 20,000 tokens of 70 documents (70.0 kB), and 1,000 tokens of 3 documents "
        "(4.00 kB) held out. The tokenizer is bpe-262. Their licence is not recorded.",
        "gpt25 generate me/mine --prompt The",
        "AutoModelForCausalLM.from_pretrained('me/mine')",
    ):
        assert said in card


def test_the_validation_loss_is_the_checkpoint_s_own_and_defined(make_run: Callable[..., RunDirectory]) -> None:
    run = make_run(bits_per_byte=2.5, compressors={"gzip -9": 3.0})
    defined = (
        "mean cross-entropy in nats per token over 320 held-out tokens, spread evenly, in windows of 32 that do not "
        "overlap and know nothing of one another |"
    )
    newest = card_of(run)
    assert f"| validation | loss | 4.8000 | {defined}" in newest
    assert "| validation | bits_per_byte | 2.5000 | bits for each UTF-8 byte of all held-out text" in newest
    assert "Compressors need, in bits for each byte of the same text: gzip -9 3.00." in newest
    earlier = card_of(run, checkpoint="10")
    assert f"| validation | loss | 4.9000 | {defined}" in earlier
    assert "bits_per_byte" not in earlier, "the run's end says nothing of an earlier checkpoint"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"validation_tokens": 10_000}, "over 992 held-out tokens, in windows"),
        ({"validation_tokens": 64}, "over 64 held-out tokens, the first ones, in windows"),
    ],
)
def test_the_definition_says_how_many_tokens_and_which(
    make_run: Callable[..., RunDirectory], tmp_path: Path, data: dict[str, Any], said: str
) -> None:
    run = make_run(recipe={"data": {"directory": str(tmp_path / "someone"), **data}})
    assert said in card_of(run)


def test_averaged_weights_are_told_from_the_last(make_run: Callable[..., RunDirectory]) -> None:
    run = make_run()
    losses = {"validation_loss_of_last_weights": 4.9, "validation_loss_of_average": 4.8}
    run.truncate_after(10)
    run.append_metrics({"update": 20, "tokens": 1, "training_loss": 5.0, **losses})
    assert "the weights validate at 4.8000, the last ones at 4.9000; these are the averaged ones." in card_of(run)


def test_scores_have_errors_and_definitions_and_are_of_this_checkpoint(make_run: Callable[..., RunDirectory]) -> None:
    run = make_run()
    figures = {"accuracy_norm": 0.3125, "accuracy": None}
    definitions = {"accuracy_norm": "completion | style", "accuracy": "raw"}
    keep(run, "hellaswag", 20, metrics=figures, standard_errors={"accuracy_norm": 0.0046}, definitions=definitions)
    keep(run, "lambada", 20, metrics={"perplexity": 30.5}, limit=100)
    keep(run, "piqa", 10, metrics={"accuracy": 0.5})
    card = card_of(run)
    assert "| hellaswag | accuracy_norm | 0.3125 ± 0.0046 | completion \\| style |" in card
    assert "| lambada, first 100 | perplexity | 30.5000 |" in card
    assert "piqa" not in card
    assert "| piqa | accuracy | 0.5000 |" in card_of(run, checkpoint="10")


def test_the_metadata_is_the_hub_s(make_run: Callable[..., RunDirectory]) -> None:
    run = make_run(
        index={"sources": ["hf://datasets/HuggingFaceFW/fineweb-edu/sample/10BT/*.parquet"]},
        recipe={"start": {"model": "gpt2@main"}},
    )
    keep(run, "hellaswag", 20, metrics={"accuracy_norm": 0.3}, standard_errors={"accuracy_norm": 0.0046})
    card = card_of(run, licence="mit")
    assert card.startswith("---\n")
    data = ModelCard(card, ignore_metadata_errors=False).data
    assert (data.license, data.language, data.library_name) == ("mit", "en", "transformers")
    assert (data.pipeline_tag, data.tags) == ("text-generation", ["gpt2", "gpt25"])
    assert data.datasets == ["HuggingFaceFW/fineweb-edu"]
    assert (data.base_model, data.base_model_relation) == ("openai-community/gpt2", "finetune")
    loss, hellaswag = data.eval_results
    assert (loss.metric_type, loss.metric_value, loss.dataset_type) == ("loss", 4.8, "HuggingFaceFW/fineweb-edu")
    assert (hellaswag.metric_type, hellaswag.metric_value, hellaswag.dataset_type) == (
        "accuracy",
        0.3,
        "Rowan/hellaswag",
    )
    assert hellaswag.metric_name == "hellaswag accuracy_norm (standard error 0.0046)"
    assert "It goes on from [openai-community/gpt2](https://huggingface.co/openai-community/gpt2) with gpt25" in card
    assert "The weights are given away under mit." in card


@pytest.mark.parametrize(
    ("sources", "title", "said"),
    [
        (["fineweb"], "x", "texts of the maker's own"),
        (["hf://datasets/kjj0/fineweb10B-gpt2"], "x", "FineWeb: 20,000"),
        (["hf://datasets/nvidia/Nemotron-ClimbMix@5eaa64b9"], "x", "(CC BY-NC 4.0): not for commercial use"),
        (
            ["hf://datasets/kjj0/fineweb10B-gpt2"],
            "x",
            "Licence of the texts: Open Data Commons Attribution License (ODC-By) 1.0, and Common Crawl's terms of use "
            "(https://huggingface.co/datasets/HuggingFaceFW/fineweb).",
        ),
        (["standard-library"], "x", "Python's standard library: 20,000"),
        ([], "GPT-2 from scratch on Python's standard library", "Python Software Foundation License Version 2"),
        (
            ["hf://datasets/owner/name@v1/a.parquet", "hf://datasets/owner/name@v1/b.parquet"],
            "x",
            "owner/name on the Hugging Face Hub: 20,000",
        ),
        (
            ["hf://datasets/owner/name/a"],
            "x",
            "licence stands on their page: https://huggingface.co/datasets/owner/name.",
        ),
    ],
)
def test_the_licence_of_known_texts_is_said(
    make_run: Callable[..., RunDirectory], sources: list[str], title: str, said: str
) -> None:
    assert said in card_of(make_run(index={"sources": sources}, title=title))


WORDS = {
    "recipe",  # of the package
    "currency",
    "encoding",
    "field",
    "document_separator",
    "device",
    "data_set",
    "weights_sha256",
}
"""Fields of a recipe that are words and name nothing on the machine."""


def test_no_path_of_the_machine_is_in_a_card(make_run: Callable[..., RunDirectory]) -> None:
    """Every other field of a recipe that can hold any text holds a path here."""
    recipe: dict[str, Any] = {}
    for section, kind in get_type_hints(TrainingConfiguration).items():
        for name, hint in get_type_hints(kind).items():
            is_list = get_args(hint)[:1] == (str,) and get_origin(hint) is tuple
            if name not in WORDS and (is_list or hint is str or str in get_args(hint)):
                value = "/srv/someone/private"
                recipe.setdefault(section, {})[name] = [value] if is_list else value
    assert {"texts", "directory", "tokenizer"} <= set(recipe["data"])
    del recipe["data"]["directory"]  # where the index is looked for
    card = card_of(make_run(recipe=recipe))
    found = re.findall(r".*(?:someone|diary|letters|private).*", card)
    assert found == [], "leave the field out in card_facts.py, or name it in WORDS"


def test_a_trial_says_so(make_run: Callable[..., RunDirectory]) -> None:
    run = make_run(recipe={"track": {"trial": True}})
    assert "This is a trial on a small copy" in card_of(run)
    run.recipe_path.write_text("")
    assert "This is a trial" not in card_of(run)


def test_names_and_recipes_cannot_break_out_of_their_place(
    make_run: Callable[..., RunDirectory], tmp_path: Path
) -> None:
    recipe = {"loop": {"sample_prompt": "```\n# Heading"}, "optimizer": {"name": "a|b\n# c"}}
    card = card_of(make_run(recipe=recipe, index={"tokenizer_name": "<script>x"}))
    assert "| optimizer | a\\|b # c |" in card
    assert "The tokenizer is \\<script\\>x." in card
    assert "--prompt The\n" in card


def test_words_of_private_texts_are_nowhere_in_a_card_unless_given(make_run: Callable[..., RunDirectory]) -> None:
    run = make_run(recipe={"loop": {"sample_prompt": "Dear diary", "seed": 7}})
    card = card_of(run)
    assert "Dear diary" not in card
    assert "sample_prompt" not in card
    assert "seed = 7" in card
    assert card.count("The\n") + card.count("tokenizer('The'") == 2
    given = card_of(run, prompt="Once upon `a` time")
    assert "tokenizer('Once upon `a` time', return_tensors" in given
    assert "--prompt 'Once upon `a` time'" in given


def test_a_model_of_a_published_set_goes_on_with_its_samples_prompt(make_run: Callable[..., RunDirectory]) -> None:
    card = card_of(make_run(index={"sources": ["standard-library"]}))
    assert "gpt25 generate me/mine --prompt 'def main('" in card
    assert 'sample_prompt = "def main("' in card


def test_a_run_without_losses_has_no_picture(make_run: Callable[..., RunDirectory]) -> None:
    run = make_run(finished=False)
    run.metrics_path.unlink()
    folder = model_folder(str(run.path), name="me/mine")
    assert "loss.png" not in folder.files
    assert "loss.png" not in folder.card


def test_a_directory_s_card_says_what_the_directory_tells(tmp_path: Path) -> None:
    save_pretrained(GPTModel(SHAPE), None, tmp_path / "mute")
    card = model_folder(str(tmp_path / "mute"), name="me/mute").card
    assert "2 layers of 2 heads" in card
    assert "It has no tokenizer: it reads and writes token ids." in card
    assert "AutoModelForCausalLM.from_pretrained('me/mute')" in card
    assert "AutoTokenizer" not in card
    assert "## Training" not in card
    assert ModelCard(card, ignore_metadata_errors=False).data.eval_results is None
