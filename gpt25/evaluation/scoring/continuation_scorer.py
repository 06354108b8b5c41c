"""How likely a model finds continuations: in batches, shared prefixes read once."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gpt25.errors import EvaluationError
from gpt25.evaluation.scoring.plan import PrefixTree, make_plan
from gpt25.evaluation.scoring.prefix_tree_tensors import prefix_tree_tensors
from gpt25.evaluation.scoring.request import Answer, Request
from gpt25.evaluation.scoring.target_scores import score_targets
from gpt25.model import GPTModel, evaluating
from gpt25.runtime import Ranks, to_device

OpenProgress = Callable[[str, int, str], AbstractContextManager[Any]]
"""Called with a description, a total and a unit; the context's value has `advance(units_done)`."""

_BATCH_TOKENS = {"cpu": 1024}  # more only leaves the caches of a processor
_BATCH_TOKENS_ELSEWHERE = 32_768
_COST_OF_A_PAIR = 3  # attention runs at about a third of the speed of the large matrix products

_Scores = dict[int, tuple[Tensor, Tensor, Tensor]]
"""For each request log-likelihoods, whether likeliest, whether likeliest allowed, each (tokens), in main memory."""


class ContinuationScorer:
    """Answers requests with one model; the same answers, to rounding, for every batch size and number of ranks.

    Common prefixes are read once, as prefix trees; the head computes only the logits that the requests
    need, each once. Passes are distributed over the ranks, and every rank gets all answers.
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
        self._device = weight.device
        kind = self._device.type
        self.batch_tokens = batch_tokens or _BATCH_TOKENS.get(kind, _BATCH_TOKENS_ELSEWHERE)
        self._barred = to_device(sorted(set(barred)), self._device, dtype=torch.int64)  # (barred,)

    def answer(self, requests: Sequence[Request], *, description: str = "scoring") -> list[Answer]:
        """The answers, in the order of the requests; `description` stands before the progress."""
        self._check(requests)
        shape = self.model.configuration
        # A layer does 24 channels² operations a token in its matrices and 4 channels a pair in its attention.
        pairs_per_token = 6 * shape.number_of_embedding_dimensions / _COST_OF_A_PAIR
        passes = make_plan(
            requests, block_size=shape.block_size, batch_tokens=self.batch_tokens, pairs_per_token=pairs_per_token
        )[self.ranks.rank :: self.ranks.number_of_ranks]
        passed: list[tuple[list[int], Tensor]] = []
        total = sum(len(tree.requests) for trees in passes for tree in trees)
        with evaluating(self.model), self._progress(description, total) as progress:
            for trees in passes:
                passed.append(self._answer_trees(trees, requests))
                if progress is not None:
                    progress.advance(sum(len(tree.requests) for tree in trees))
        return self._gather(requests, _by_request(passed, requests))

    def _progress(self, description: str, total: int) -> AbstractContextManager[Any]:
        return nullcontext() if self._open_progress is None else self._open_progress(description, total, "requests")

    def _answer_trees(self, trees: Sequence[PrefixTree], requests: Sequence[Request]) -> tuple[list[int], Tensor]:
        """One pass: the trees' tokens, then the head where logits are needed.

        Returns which requests it answers and, still on the device so that the next pass need not wait, for all of
        their tokens one after the other the log-likelihood, whether it is the likeliest, and the likeliest allowed:
        (3, tokens).
        """
        positions: list[int] = []
        targets: list[int] = []
        answered = []
        start = 0
        for tree in trees:
            for request, predicting in tree.requests:
                positions.extend(start + token for token in predicting)
                targets.extend(requests[request].continuation)
                answered.append(request)
            start += len(tree.tokens)
        unique_positions, indices = np.unique(np.array(positions), return_inverse=True)  # (unique positions), (scored)
        hidden = prefix_tree_tensors(trees, self._device).hidden_states(
            self.model, to_device(torch.from_numpy(unique_positions), self._device)
        )
        scores = score_targets(
            hidden,
            to_device(torch.from_numpy(indices), self._device),
            to_device(targets, self._device),
            head=self.model.language_modeling_head.weight,
            barred=self._barred,
        )
        dtype = scores.log_likelihoods.dtype
        return answered, torch.stack([scores.log_likelihoods, scores.likeliest.to(dtype), scores.allowed.to(dtype)])

    def _gather(self, requests: Sequence[Request], scores: _Scores) -> list[Answer]:
        """All answers on every rank: an all-reduce of buffers in which each rank fills in its own."""
        if not self.ranks.is_alone:
            total = sum(len(request.continuation) for request in requests)
            buffer = torch.zeros((3, total), dtype=torch.float64)  # (log-likelihood, likeliest, allowed; tokens)
            offset = 0
            for number, request in enumerate(requests):
                end = offset + len(request.continuation)
                if number in scores:
                    buffer[:, offset:end] = torch.stack([part.double() for part in scores[number]])
                offset = end
            buffer = torch.tensor(self.ranks.sum(buffer.flatten().tolist()), dtype=torch.float64).view(3, total)
            lengths = [len(request.continuation) for request in requests]
            scores = dict(enumerate(zip(*(line.split(lengths) for line in buffer), strict=True)))
        return [
            Answer(scores[number][0].tolist(), scores[number][1].bool().tolist(), scores[number][2].bool().tolist())
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


def _by_request(passed: Sequence[tuple[list[int], Tensor]], requests: Sequence[Request]) -> _Scores:
    """The scores of all passes, fetched from the device at once."""
    if not passed:
        return {}
    answered = [request for numbers, _ in passed for request in numbers]
    results = torch.cat([result for _, result in passed], dim=1).cpu()  # (3, tokens)
    lengths = [len(requests[request].continuation) for request in answered]
    return dict(zip(answered, zip(*(line.split(lengths) for line in results), strict=True), strict=True))
