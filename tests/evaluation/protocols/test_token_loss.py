import math
from pathlib import Path

import numpy as np
import pytest
import torch

from gpt25.data import open_shards, prepare, read_documents
from gpt25.data.shards.shard_format import shard_header
from gpt25.errors import DataError
from gpt25.evaluation.protocols.token_loss import score_shards
from gpt25.evaluation.tasks import PUBLISHED_TOKENS
from gpt25.model import GPTConfiguration, GPTModel
from gpt25.runtime import Ranks
from gpt25.tokenizer import Tokenizer


@pytest.fixture(scope="module")
def shards_directory(tmp_path_factory: pytest.TempPathFactory, byte_tokenizer: Tokenizer) -> Path:
    """About 1,400 validation tokens in two shards."""
    folder = tmp_path_factory.mktemp("loss")
    for number in range(40):
        (folder / f"{number}.txt").write_text(f"text number {number} é and so on, " * 3)
    documents = read_documents([folder / "*.txt"])
    prepare(documents, byte_tokenizer, folder / "shards", validation_fraction=0.4, tokens_per_shard=900)
    return folder / "shards"


class OneOfSeveral(Ranks):
    """A rank whose sums are its own values: what it alone contributes."""

    def sum(self, values, *, device="cpu"):  # type: ignore[no-untyped-def]
        return list(values)


def test_the_published_number_of_tokens_is_twenty_batches() -> None:
    assert PUBLISHED_TOKENS == 20 * 524_288


@pytest.mark.parametrize(("number_of_ranks", "block_size"), [(1, 1024), (2, 1024), (4, 1024), (7, 1024), (4, 1000)])
def test_the_published_number_is_read_whatever_the_number_of_ranks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number_of_ranks: int, block_size: int
) -> None:
    """More tokens than the published number lie there; neither ranks nor windows need to divide it."""
    path = tmp_path / "fineweb_val_000000.bin"
    with path.open("wb") as file:
        file.write(shard_header(PUBLISHED_TOKENS + 5_000))
        (np.arange(PUBLISHED_TOKENS + 5_000) % 251).astype("<u2").tofile(file)
    shards = open_shards(str(path), "validation", vocabulary_size=257)
    shape = GPTConfiguration(
        block_size=block_size,
        vocabulary_size=257,
        number_of_layers=1,
        number_of_heads=1,
        number_of_embedding_dimensions=2,
    )
    model = GPTModel(shape)
    read: list[int] = []

    def stand_in(_model: GPTModel, inputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        assert torch.equal(inputs[:, 1:], labels[:, :-1])
        read.append(labels.numel())
        return labels.double().sum(dim=1) + 1

    monkeypatch.setattr("gpt25.evaluation.protocols.token_loss._losses", stand_in)
    parts = [
        score_shards(model, shards, number_of_tokens=PUBLISHED_TOKENS, ranks=OneOfSeveral(rank, number_of_ranks))[0]
        for rank in range(number_of_ranks)
    ]
    assert sum(read) == 10_485_760
    assert {part.denominators.sum() for part in parts} == {10_485_760.0}
    starts = np.arange(0, PUBLISHED_TOKENS, block_size)
    expected = np.add.reduceat(np.arange(1, PUBLISHED_TOKENS + 1) % 251, starts) + 1
    np.testing.assert_array_equal(sum(part.numerators for part in parts), expected)


def test_the_loss_is_that_of_transformers(tiny_model: GPTModel, shards_directory: Path, tmp_path: Path) -> None:
    from transformers import GPT2LMHeadModel

    from gpt25.weights import save_pretrained

    save_pretrained(tiny_model, None, tmp_path / "model")
    peer = GPT2LMHeadModel.from_pretrained(tmp_path / "model").eval()
    shards = open_shards(shards_directory, "validation")
    tokens = torch.tensor(shards.tokens(0, 10 * 64 + 1).astype(np.int64))
    windows = torch.stack([tokens[place : place + 65] for place in range(0, 640, 64)])  # (10, 65)
    with torch.no_grad():
        logits = peer(windows[:, :-1]).logits
        expected = torch.nn.functional.cross_entropy(logits.flatten(0, 1), windows[:, 1:].flatten()).item()
    loss, perplexity, bits = score_shards(tiny_model, shards, number_of_tokens=640)
    assert loss.value == pytest.approx(expected, rel=1e-5)
    assert perplexity.value == pytest.approx(math.exp(expected), rel=1e-3)
    per_token = shards.number_of_bytes / shards.number_of_tokens
    assert bits.value == pytest.approx(expected / math.log(2) / per_token, rel=1e-5)
    assert loss.number_of_items == 10
    assert loss.denominators.sum() == 640
    assert loss.definition.startswith("nats per token; 640 tokens from the start of the set, in windows of 64")


def test_without_a_number_the_whole_set_is_scored(tiny_model: GPTModel, shards_directory: Path) -> None:
    shards = open_shards(shards_directory, "validation")
    loss, *_ = score_shards(tiny_model, shards, number_of_tokens=None)
    assert loss.denominators.sum() == shards.number_of_tokens - 1
    tail = (shards.number_of_tokens - 1) % 64
    assert tail
    assert loss.definition.endswith(f" in windows of 64 that do not overlap, the last of {tail}")
    tokens = torch.tensor(shards.tokens(shards.number_of_tokens - 1 - tail, tail + 1).astype(np.int64))[None]
    with torch.no_grad():
        _, mean = tiny_model(tokens[:, :-1], tokens[:, 1:])
    assert loss.numerators[-1] == pytest.approx(tail * mean.item(), rel=1e-5)


def test_more_tokens_than_there_are_are_refused(tiny_model: GPTModel, shards_directory: Path) -> None:
    shards = open_shards(shards_directory, "validation")
    with pytest.raises(DataError, match="validation on 10,485,760 tokens was asked for"):
        score_shards(tiny_model, shards, number_of_tokens=PUBLISHED_TOKENS)
    available = shards.number_of_tokens - 1
    with pytest.raises(
        DataError, match=f"loss on {available + 1:,} tokens was asked for; .* has {available:,} to predict"
    ):
        score_shards(tiny_model, shards, number_of_tokens=available + 1)


@pytest.mark.parametrize("rows", [1, 3, 100])
def test_the_loss_does_not_depend_on_the_rows_read_at_once(
    tiny_model: GPTModel, shards_directory: Path, rows: int
) -> None:
    shards = open_shards(shards_directory, "validation")
    usual, *_ = score_shards(tiny_model, shards, number_of_tokens=None)
    loss, *_ = score_shards(tiny_model, shards, number_of_tokens=None, rows=rows)
    np.testing.assert_allclose(loss.numerators, usual.numerators, rtol=1e-5)


@pytest.mark.parametrize("number_of_ranks", [2, 3, 7])
def test_the_ranks_together_score_every_window_once(
    tiny_model: GPTModel, shards_directory: Path, number_of_ranks: int
) -> None:
    shards = open_shards(shards_directory, "validation")
    alone, *_ = score_shards(tiny_model, shards, number_of_tokens=None)
    parts = [
        score_shards(tiny_model, shards, number_of_tokens=None, ranks=OneOfSeveral(rank, number_of_ranks))[0]
        for rank in range(number_of_ranks)
    ]
    assert all((part.numerators == 0).any() for part in parts)
    np.testing.assert_array_equal(sum(part.numerators for part in parts), alone.numerators)


def test_shards_without_an_index_tell_nothing_of_bytes(tiny_model: GPTModel, shards_directory: Path) -> None:
    shards = open_shards(f"{shards_directory}/*val*.bin", "validation", vocabulary_size=257)
    assert [each.metric for each in score_shards(tiny_model, shards, number_of_tokens=128)] == ["loss", "perplexity"]
