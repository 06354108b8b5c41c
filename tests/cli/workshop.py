"""One whole example of every file that is ours to read, and what reads it."""

import gzip
import json
from functools import partial
from pathlib import Path

import pyarrow
import torch
import zstandard
from pyarrow import parquet

from gpt25.cli.main import main
from gpt25.data import (
    SPLITS,
    ArrivingData,
    open_arriving_shards,
    open_shards,
    prepare,
    read_documents,
    read_prepared_data,
    verify,
)
from gpt25.data.shards.arriving_data import ArrivingShard
from gpt25.data.shards.checked_shards import CheckedShards
from gpt25.data.shards.shard_contents import read_shard_contents
from gpt25.errors import GPT25Error
from gpt25.evaluation import TASKS, read_examples
from gpt25.model import GPTConfiguration, GPTModel
from gpt25.plots import ReportSettings, loss_reference_lines, write_report
from gpt25.recipes import load_recipe, score_comparisons
from gpt25.recipes.recipe import recipe_text
from gpt25.records import RunDirectory, Summary, read_evaluations
from gpt25.storage import verify_manifest, write_json, write_manifest
from gpt25.tokenizer import Tokenizer
from gpt25.training import TrainingConfiguration
from gpt25.training.checkpoints.checkpoint import _state_of
from gpt25.weights import describe_model, load_pretrained, save_pretrained
from gpt25.weights.stored_weights import find_stored_tensors

SHAPE = GPTConfiguration(
    block_size=8, vocabulary_size=260, number_of_layers=1, number_of_heads=2, number_of_embedding_dimensions=4
)


class Workshop:
    """One whole example of every file, and what reads it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.tokenizer = Tokenizer.train(["some text, and some more text\n" * 3], vocabulary_size=260)
        self.tokenizer.save(root / "tokenizer")
        self._pair()
        self.run = self._run()
        self._evaluations()
        self._model()
        self._documents()
        self._sets()
        texts = [str(root / "texts.jsonl")]
        prepare(read_documents(texts), self.tokenizer, root / "data", validation_fraction=0.4, number_of_processes=1)
        shards = sorted((root / "data").glob("*train*.bin"))
        assert shards
        self._arriving(shards)
        (root / "public").mkdir()
        (root / "public" / "set_train_000001.bin").write_bytes(shards[0].read_bytes())
        (root / "recipe.toml").write_text(recipe_text(TrainingConfiguration()))

    def _arriving(self, shards: list[Path]) -> None:
        """A directory into which shards are being fetched: validation and one to train on are there."""
        data = read_prepared_data(self.root / "data")
        folder = self.root / "arriving"
        folder.mkdir()
        checked = CheckedShards("hf://datasets/some/set")
        for path in (self.root / "data").glob("*.bin"):
            (folder / path.name).write_bytes(path.read_bytes())
            checked.keep(folder / path.name, read_shard_contents(folder / path.name, self.tokenizer))
        names = [ArrivingShard(path.name, 100) for path in shards]
        fields = (data.tokenizer_name, data.tokenizer_fingerprint, data.vocabulary_size, data.validation)
        ArrivingData(folder, "some", ("hf://datasets/some/set",), *fields, tuple(names)).write()

    def read_arriving(self) -> None:
        """Open what is there and count what is to come."""
        for split in SPLITS:
            shards = open_arriving_shards(self.root / "arriving", split)
            shards.missing(shards.paths)
        open_shards(self.root / "arriving", "validation")

    def _pair(self) -> None:
        pair = self.root / "pair"
        pair.mkdir()
        content = json.loads((self.root / "tokenizer" / "tokenizer.json").read_text())
        write_json(pair / "vocab.json", content["model"]["vocab"])
        merges = [each if isinstance(each, str) else " ".join(each) for each in content["model"]["merges"]]
        (pair / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n")
        end = content["added_tokens"][0]
        write_json(pair / "added_tokens.json", {"<pad>": 260, end["content"]: end["id"]})
        described = {str(end["id"]): {"content": end["content"], "special": True, "lstrip": False}}
        configuration = {"tokenizer_class": "GPT2Tokenizer", "model_max_length": 10**30}
        write_json(pair / "tokenizer_config.json", configuration | {"added_tokens_decoder": described})
        write_json(pair / "special_tokens_map.json", {"eos_token": {"content": end["content"]}})

    def _run(self) -> RunDirectory:
        run = RunDirectory(self.root / "run")
        checkpoint = run.checkpoint_path(5)
        checkpoint.parent.mkdir(parents=True)
        save_pretrained(GPTModel(SHAPE, generator=torch.Generator().manual_seed(1)), self.tokenizer, checkpoint)
        state = {"version": 1, "update": 5, "tokens": 640, "rows": 80, "elapsed_seconds": 3.0, "non_finite_updates": 0}
        names = {"tokenizer_name": "x", "tokenizer_fingerprint": "y", "training_tokens_in_data": 1000}
        metrics = {"training_loss": 5.1, "validation_loss": 5.0}
        write_json(checkpoint / "state.json", state | names | {"metrics": metrics})
        write_manifest(checkpoint)
        for update in range(1, 6):
            row = {"update": update, "tokens": 128 * update, "elapsed_seconds": 0.6 * update, "training_loss": 5.5}
            figures = {"validation_loss": 5.4, "learning_rate": 1e-3, "gradient_norm": 1.0, "tokens_per_second": 200.0}
            scored = {"hellaswag_accuracy_norm": 0.3, "hellaswag_items": 20, "hellaswag_standard_error": 0.1}
            run.append_metrics(row | figures | scored)
        run.append_metrics(
            row
            | figures
            | {"validation_loss_of_last_weights": 5.4, "validation_loss_of_average": 5.3, "validation_tokens": 64}
        )
        run.append_sample({"update": 5, "tokens": 640, "prompt": "some", "text": " text"})
        summary = Summary("x", True, 1000, 6000, 640, 3.0, 5.0, 4.9, 700, 7.2, 500, {"gzip -9": 2.3}, ["gpt25 plan"])
        run.write_summary(summary)
        write_json(run.environment_path, {"gpus": ["NVIDIA H100"], "number_of_ranks": 1, "torch": "2.13"})
        run.recipe_path.write_text(recipe_text(TrainingConfiguration()))
        return run

    def _evaluations(self) -> None:
        items = {
            "accuracy_norm": {"scale": "mean", "numerators": "0110", "denominators": 1.0},
            "perplexity": {"scale": "exponential", "numerators": [1.5, 2.0, 3.0, 1.0], "denominators": [2, 3, 4, 1]},
        }
        content = {
            "task": "hellaswag", "title": "HellaSwag", "model": "x", "limit": 4, "units": 4, "data": "set.jsonl",
            "metrics": {"accuracy_norm": 0.5, "perplexity": 2.1}, "standard_errors": {"accuracy_norm": 0.25},
            "definitions": {"accuracy_norm": "how"}, "data_sha256": "0" * 64, "items": items, "seconds": 1.0,
        }  # fmt: skip
        self.run.write_evaluation({**content, "update": 5, "tokens": 640})
        write_json(self.root / "other.json", content)

    def _model(self) -> None:
        model = self.root / "model"
        save_pretrained(GPTModel(SHAPE, generator=torch.Generator().manual_seed(2)), self.tokenizer, model)
        write_json(model / "generation_config.json", {"eos_token_id": [256, 50], "temperature": 1.0})
        parts = self.root / "parts"
        save_pretrained(GPTModel(SHAPE, generator=torch.Generator().manual_seed(2)), self.tokenizer, parts)
        name = "model-00001-of-00001.safetensors"
        (parts / "model.safetensors").rename(parts / name)
        names = dict.fromkeys(find_stored_tensors(model), name)
        write_json(parts / "model.safetensors.index.json", {"metadata": {"total_size": 1}, "weight_map": names})
        sizes = {"n_vocab": 260, "n_ctx": 8, "n_embd": 4, "n_head": 2, "n_layer": 1}
        (self.root / "openai").mkdir()
        write_json(self.root / "openai" / "hparams.json", sizes)

    def _documents(self) -> None:
        rows = [{"text": f"some text of number {number}, and some more", "id": number} for number in range(12)]
        lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
        (self.root / "texts.jsonl").write_bytes(lines)
        (self.root / "texts.jsonl.gz").write_bytes(gzip.compress(lines, mtime=0))
        (self.root / "texts.jsonl.zst").write_bytes(zstandard.ZstdCompressor().compress(lines))
        parquet.write_table(pyarrow.table({"text": [row["text"] for row in rows]}), self.root / "texts.parquet")

    def _sets(self) -> None:
        sets = {
            "hellaswag": {"ctx": "a b", "endings": ["c", "d", "e", "f"], "label": 1, "ctx_a": "a", "ctx_b": "b",
                          "activity_label": "x"},
            "piqa": {"goal": "a", "sol1": "b", "sol2": "c", "label": 0},
            "arc-easy": {"question": "a?", "choices": {"text": ["b", "c"], "label": ["A", "B"]}, "answerKey": "A"},
            "winogrande": {"sentence": "a _ b", "option1": "c", "option2": "d", "answer": "1"},
            "lambada": {"text": "some passage with a last word"},
        }  # fmt: skip
        self.sets = {name: row for name, row in sets.items() if name in TASKS}
        for name, row in self.sets.items():
            (self.root / f"{name}.jsonl").write_text((json.dumps(row) + "\n") * 3)
            write_json(self.root / f"{name}.json", [row] * 3)

    # What reads them.

    def read_run(self) -> None:
        runs = [self.run]
        score_comparisons([("run", self.run)], read_evaluations(self.root / "other.json"))
        write_report(
            runs,
            self.root / "report.html",
            settings=ReportSettings(evaluations=read_evaluations(self.root / "other.json")),
        )
        loss_reference_lines(runs)
        self.run.truncate_after(10**6)

    def read_manifest(self) -> None:
        verify_manifest(self.run.checkpoint_path(5))

    def read_state(self) -> None:
        (self.run.checkpoint_path(5) / "MANIFEST.json").unlink()
        write_manifest(self.run.checkpoint_path(5))
        self.run.find_checkpoint("best")
        (record,) = self.run.checkpoints()
        _state_of(record, record.state())

    def read_recipe(self) -> None:
        recipe_text(load_recipe(self.root / "recipe.toml"))

    def read_tokenizer(self, name: str) -> None:
        tokenizer = Tokenizer.load(self.root / name)
        assert tokenizer.decode(tokenizer.encode("some text")) == "some text"

    def read_model(self, name: str) -> None:
        load_pretrained(self.root / name)
        describe_model(self.root / name)

    def read_data(self) -> None:
        found = []
        for work in (self._open_data, partial(verify, self.root / "data"), self._show_data):
            try:
                work()
            except GPT25Error as problem:
                found.append(problem)
        if found:
            raise found[0]

    def _open_data(self) -> None:
        read_prepared_data(self.root / "data")
        for split in ("train", "validation"):
            shards = open_shards(self.root / "data", split)
            shards.tokens(0, min(10, shards.number_of_tokens))

    def _show_data(self) -> None:
        assert main(["data", "show", str(self.root / "data")]) in (0, 2)

    def read_public(self) -> None:
        shards = open_shards(self.root / "public", "train", vocabulary_size=260)
        shards.tokens(0, min(10, shards.number_of_tokens)).sum()

    def read_documents(self, name: str) -> None:
        for policy in ("strict", "replace", "skip"):
            list(read_documents([self.root / name], invalid_utf8=policy, largest_document_bytes=1 << 20))

    def read_set(self, task: str, name: str) -> None:
        read_examples(TASKS[task], str(self.root / name), largest_document_bytes=1 << 20)
