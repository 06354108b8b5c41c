"""How likely a model finds continuations: in batches, what they share read once."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

from gpt25.errors import EvaluationError
from gpt25.evaluation.plan import Batch, Row, make_plan
from gpt25.evaluation.request import Answer, Request
from gpt25.model import GPTModel, KeyValueCache, evaluating
from gpt25.runtime import Ranks

OpenProgress = Callable[[str, int, str], AbstractContextManager[Any]]
"""Called with a description, a total and a unit; the context's value has `advance(units_done)`."""

_Prefixes = tuple[KeyValueCache, Tensor]
_Pass = tuple[Batch, list[tuple[int, Row]]]

_BATCH_TOKENS = {"cpu": 1024}  # more only leaves the caches of a processor
_BATCH_TOKENS_ELSEWHERE = 32_768
_OVERHEAD_TOKENS = {"cpu": 12}  # 0.34 GB of weights at 10 GB/s against 0.17 GFLOP a token at 0.06 TFLOP/s
_OVERHEAD_TOKENS_ELSEWHERE = 2048  # some milliseconds of launching kernels
_CACHE_BYTES = {"cpu": 2**29}
_CACHE_BYTES_ELSEWHERE = 2**33
_LOGIT_BYTES = {"cpu": 2**26}  # 64 MiB of float32 are 333 positions of GPT-2's vocabulary
_LOGIT_BYTES_ELSEWHERE = 2**30


class ContinuationScorer:
    """Answers requests with one model; the same answers, to rounding, for every batch size and number of ranks.

    Rows that begin alike are read once up to where they part, through the key-value cache; the head computes only the
    logits that are asked for. Passes are shared out over the ranks, and every rank gets all answers.
    """

    def __init__(
        self,
        model: GPTModel,
        *,
        batch_tokens: int | None = None,
        barred: Sequence[int] = (),
        ranks: Ranks | None = None,
        open_progress: OpenProgress | None = None,
    ) -> None:
        """batch_tokens: most tokens of one pass, by default what suits the device.

        barred: token ids left out of `Answer.is_likeliest_allowed`.
        """
        if batch_tokens is not None and batch_tokens < 1:
            raise EvaluationError(f"batch_tokens is {batch_tokens}; a pass reads at least 1 token.")
        self.model = model
        self.ranks = Ranks() if ranks is None else ranks
        self._open_progress = open_progress
        weight = model.transformer.word_token_embeddings.weight
        self._device, self._dtype = weight.device, weight.dtype
        kind = self._device.type
        self.batch_tokens = batch_tokens or _BATCH_TOKENS.get(kind, _BATCH_TOKENS_ELSEWHERE)
        self._overhead_tokens = _OVERHEAD_TOKENS.get(kind, _OVERHEAD_TOKENS_ELSEWHERE)
        shape = model.configuration
        position_bytes = 2 * shape.number_of_layers * shape.number_of_embedding_dimensions * weight.element_size()
        self._cache_tokens = _CACHE_BYTES.get(kind, _CACHE_BYTES_ELSEWHERE) // position_bytes
        self._positions_at_once = max(1, _LOGIT_BYTES.get(kind, _LOGIT_BYTES_ELSEWHERE) // (4 * shape.vocabulary_size))
        self._barred = torch.tensor(sorted(set(barred)), dtype=torch.int64, device=self._device)  # (barred,)

    def answer(self, requests: Sequence[Request], *, description: str = "scoring") -> list[Answer]:
        """The answers, in the order of the requests; `description` stands before the progress."""
        self._check(requests)
        batches = make_plan(
            requests,
            block_size=self.model.configuration.block_size,
            batch_tokens=self.batch_tokens,
            cache_tokens=self._cache_tokens,
            overhead_tokens=self._overhead_tokens,
        )
        found: dict[int, tuple[Tensor, Tensor, Tensor]] = {}
        parts = self._share([(batch, rows) for batch in batches for rows in batch.passes])
        total = sum(len(row.asked) for _, rows in parts for _, row in rows)
        with evaluating(self.model), self._progress(description, total) as progress:
            prefix_of: Batch | None = None
            prefixes: _Prefixes | None = None
            for batch, rows in parts:
                if batch is not prefix_of:
                    prefixes, prefix_of = self._read_prefixes(batch), batch
                self._answer_rows(batch, rows, prefixes, requests, found)
                if progress is not None:
                    progress.advance(sum(len(row.asked) for _, row in rows))
        return self._gather(requests, found)

    def _progress(self, description: str, total: int) -> AbstractContextManager[Any]:
        return nullcontext() if self._open_progress is None else self._open_progress(description, total, "requests")

    def _share(self, parts: list[_Pass]) -> list[_Pass]:
        """This rank's passes: of each batch with a prefix all of them or none, of the others every n-th."""
        mine = []
        turn = -1
        before: Batch | None = None
        for batch, rows in parts:
            if batch is not before or not batch.prefix_length:
                turn += 1
            before = batch
            if turn % self.ranks.number_of_ranks == self.ranks.rank:
                mine.append((batch, rows))
        return mine

    def _read_prefixes(self, batch: Batch) -> _Prefixes | None:
        """Keys, values and hidden states of the tokens that each group shares, one row a group."""
        length = batch.prefix_length
        if not length:
            return None
        shared = [group.rows[0].tokens[:length] for group in batch.groups]
        cache = KeyValueCache(
            self.model.configuration, batch_size=len(shared), capacity=length, device=self._device, dtype=self._dtype
        )
        indices = torch.tensor(shared, device=self._device)  # (groups, length)
        return cache, self.model.hidden_states(indices, cache=cache)

    def _answer_rows(
        self,
        batch: Batch,
        rows: list[tuple[int, Row]],
        prefixes: _Prefixes | None,
        requests: Sequence[Request],
        found: dict[int, tuple[Tensor, Tensor, Tensor]],
    ) -> None:
        """One pass: the rows' tokens behind their prefixes, then the head where logits are asked for."""
        start = batch.prefix_length
        longest = max(len(row.tokens) for _, row in rows)
        inputs = torch.zeros((len(rows), longest - start), dtype=torch.int64)  # (rows, time), padded on the right
        behind = len(batch.groups) * start  # in the hidden states below, the prefixes' positions come first
        places: list[int] = []
        targets: list[int] = []
        order = []
        for number, (group, row) in enumerate(rows):
            inputs[number, : len(row.tokens) - start] = torch.tensor(row.tokens[start:])
            for request, first in row.asked:
                continuation = requests[request].continuation
                for position in range(first, first + len(continuation)):
                    in_prefix = position < start
                    offset = group * start if in_prefix else behind + number * (longest - start) - start
                    places.append(offset + position)
                targets.extend(continuation)
                order.append(request)
        cache = None
        if prefixes is not None:
            cache = prefixes[0].copy_of_rows([group for group, _ in rows], capacity=longest)
        hidden = self.model.hidden_states(inputs.to(self._device), cache=cache).flatten(0, 1)  # (rows * time, channels)
        if prefixes is not None:
            hidden = torch.cat([prefixes[1].flatten(0, 1), hidden])  # (positions, channels)
        wanted = hidden[torch.tensor(places, device=self._device)]  # (scored, channels)
        results = self._score(wanted, torch.tensor(targets, device=self._device))
        done = 0
        for request in order:
            end = done + len(requests[request].continuation)
            found[request] = tuple(result[done:end] for result in results)  # type: ignore[assignment]
            done = end

    def _score(self, hidden: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Of hidden states (scored, channels) and their next tokens (scored): log-likelihood, likeliest, so allowed."""
        log_likelihoods, likeliest, allowed = [], [], []
        for some, expected in zip(
            hidden.split(self._positions_at_once), targets.split(self._positions_at_once), strict=True
        ):
            logits = self.model.language_modeling_head(some).float()  # (some, vocabulary)
            chosen = logits.gather(1, expected[:, None])[:, 0]  # (some)
            log_likelihoods.append((chosen - logits.logsumexp(dim=1)).cpu())
            likeliest.append((logits.argmax(dim=1) == expected).cpu())
            if len(self._barred):
                logits.index_fill_(1, self._barred, -torch.inf)
                allowed.append((logits.argmax(dim=1) == expected).cpu())
        return torch.cat(log_likelihoods), torch.cat(likeliest), torch.cat(allowed or likeliest)

    def _gather(self, requests: Sequence[Request], found: dict[int, tuple[Tensor, Tensor, Tensor]]) -> list[Answer]:
        """All answers on every rank: each rank lays its own into zeros, and the sum over the ranks has them all."""
        if not self.ranks.is_alone:
            total = sum(len(request.continuation) for request in requests)
            room = torch.zeros((3, total), dtype=torch.float64)  # (log-likelihood, likeliest, allowed; tokens)
            place = 0
            for number, request in enumerate(requests):
                end = place + len(request.continuation)
                if number in found:
                    room[:, place:end] = torch.stack([part.double() for part in found[number]])
                place = end
            room = torch.tensor(self.ranks.sum(room.flatten().tolist()), dtype=torch.float64).view(3, total)
            lengths = [len(request.continuation) for request in requests]
            found = dict(enumerate(zip(*(line.split(lengths) for line in room), strict=True)))
        return [
            Answer(found[number][0].tolist(), found[number][1].bool().tolist(), found[number][2].bool().tolist())
            for number in range(len(requests))
        ]

    def _check(self, requests: Sequence[Request]) -> None:
        vocabulary_size = self.model.configuration.vocabulary_size
        for request in requests:
            largest = max(*request.context, *request.continuation)
            if largest >= vocabulary_size:
                raise EvaluationError(
                    f"token id {largest:,} is beyond the model's vocabulary of {vocabulary_size:,}: the text was "
                    "encoded with a tokenizer that is not this model's."
                )
