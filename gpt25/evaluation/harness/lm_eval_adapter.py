"""Our models inside lm-evaluation-harness, for all of its tasks; the only file that imports it (extra `evaluate`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gpt25.errors import EvaluationError, MissingExtraError
from gpt25.evaluation.scoring.continuation_scorer import ContinuationScorer, OpenProgress
from gpt25.evaluation.scoring.encoding import encode_request
from gpt25.evaluation.scoring.greedy_text import greedy_text
from gpt25.evaluation.scoring.windows import windows
from gpt25.model import GPTModel
from gpt25.runtime import Ranks
from gpt25.tokenizer import Tokenizer

_MAX_NEW_TOKENS = 256  # what the harness takes where a task does not say


def lm_eval_model(
    model: GPTModel,
    tokenizer: Tokenizer,
    *,
    batch_tokens: int | None = None,
    ranks: Ranks | None = None,
    open_progress: OpenProgress | None = None,
) -> Any:
    """A model as lm-evaluation-harness wants it: `lm_eval.simple_evaluate(model=lm_eval_model(...), tasks=["piqa"])`.

    Log-likelihoods are those of `ContinuationScorer`, shared prefixes read once. Free answers are greedy; a task that
    asks for sampling raises EvaluationError. Under several ranks each asks for everything and the work is shared.
    Raises MissingExtraError where lm-eval is not installed.
    """
    try:
        from lm_eval.api.model import LM
    except ImportError as problem:
        raise MissingExtraError(
            "lm-evaluation-harness is not installed; install it with: pip install 'gpt25[evaluate]'"
        ) from problem
    scorer = ContinuationScorer(model, batch_tokens=batch_tokens, ranks=ranks, open_progress=open_progress)
    answers = _Answers(tokenizer, scorer)

    class LMEvalModel(LM):
        """Answers the harness's three kinds of requests, and hands every answer to its cache on the way."""

        def loglikelihood(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
            return self._kept("loglikelihood", requests, answers.of_pairs([request.args for request in requests]))

        def loglikelihood_rolling(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[float]:
            found = answers.of_texts([request.args[0] for request in requests])
            return self._kept("loglikelihood_rolling", requests, found)

        def generate_until(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[str]:
            return self._kept("generate_until", requests, [answers.written(*request.args) for request in requests])

        def _kept(self, kind: str, requests: Sequence[Any], found: list[Any]) -> list[Any]:
            for request, answer in zip(requests, found, strict=True):
                self.cache_hook.add_partial(kind, request.args, answer)
            return found

    return LMEvalModel()


@dataclass(frozen=True)
class _Answers:
    """What the harness asks, answered by one model."""

    tokenizer: Tokenizer
    scorer: ContinuationScorer

    def of_pairs(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[float, bool]]:
        """Log-likelihood in nats of (context, continuation), and whether the continuation is greedy."""
        encoded = [encode_request(self.tokenizer, *pair, encoding="together") for pair in pairs]
        return [(answer.log_likelihood, answer.is_greedy) for answer in self.scorer.answer(encoded)]

    def of_texts(self, texts: Sequence[str]) -> list[float]:
        """Log-likelihood in nats of whole texts, every token scored once."""
        end, block_size = self.tokenizer.end_of_text_id, self.scorer.model.configuration.block_size
        parts = [windows(self.tokenizer.encode(text), end_of_text_id=end, block_size=block_size) for text in texts]
        answers = iter(self.scorer.answer([window for some in parts for window in some]))
        return [float(sum(next(answers).log_likelihood for _ in some)) for some in parts]

    def written(self, context: str, settings: dict[str, Any]) -> str:
        """The greedy continuation up to a stop."""
        if settings.get("do_sample") and settings.get("temperature", 1.0) > 0:
            raise EvaluationError(
                f"the task asks for sampling at temperature {settings.get('temperature', 1.0)}; only greedy "
                "answers are written here. Set do_sample to false in the task."
            )
        until = settings.get("until", [])
        return greedy_text(
            self.scorer.model,
            self.tokenizer,
            context,
            stops=[until] if isinstance(until, str) else until,
            max_new_tokens=int(settings.get("max_gen_toks", _MAX_NEW_TOKENS)),
        )
