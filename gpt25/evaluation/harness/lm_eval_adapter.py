"""Our models inside lm-evaluation-harness, for all of its tasks (extra `evaluate`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from gpt25.errors import EvaluationError
from gpt25.evaluation.harness.generation_settings import DEFAULT_NEW_TOKENS, GenerationSettings, generation_settings
from gpt25.evaluation.scoring.continuation_scorer import ContinuationScorer, OpenProgress
from gpt25.evaluation.scoring.encoding import encode_request
from gpt25.evaluation.scoring.greedy_texts import greedy_texts
from gpt25.evaluation.scoring.windows import windows
from gpt25.installation import missing_extra
from gpt25.model import Accounting, GPTModel
from gpt25.runtime import Ranks
from gpt25.tokenizer import Tokenizer


def lm_eval_model(
    model: GPTModel,
    tokenizer: Tokenizer,
    *,
    batch_tokens: int | None = None,
    ranks: Ranks | None = None,
    open_progress: OpenProgress | None = None,
) -> Any:
    """A model as lm-evaluation-harness wants it: `lm_eval.simple_evaluate(model=lm_eval_model(...), tasks=["piqa"])`.

    Log-likelihoods are those of `ContinuationScorer`, shared prefixes read once. Generation is greedy; a task that
    asks for anything else raises EvaluationError, which names it. Names of special tokens in a task's texts are parsed,
    as the harness's own model does it: its tokenizer adds none and still reads those that stand there. Under several
    ranks each asks for everything and the work on log-likelihoods is shared. Raises MissingExtraError where lm-eval is
    not installed.
    """
    try:
        from lm_eval.api.model import LM
    except ImportError as problem:
        raise missing_extra("lm-evaluation-harness is not installed", extra="evaluate") from problem
    scorer = ContinuationScorer(model, batch_tokens=batch_tokens, ranks=ranks, open_progress=open_progress)
    answers = _Answers(tokenizer, scorer)

    class LMEvalModel(LM):
        """Answers the harness's three kinds of requests, and hands every answer to its cache on the way."""

        max_length = model.configuration.block_size
        eot_token_id = prefix_token_id = tokenizer.end_of_text_id
        tokenizer_name = tokenizer.name
        max_gen_toks = DEFAULT_NEW_TOKENS

        def loglikelihood(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
            return self._cached("loglikelihood", requests, answers.of_pairs([request.args for request in requests]))

        def loglikelihood_rolling(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[float]:
            log_likelihoods = answers.of_texts([request.args[0] for request in requests])
            return self._cached("loglikelihood_rolling", requests, log_likelihoods)

        def generate_until(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[str]:
            return self._cached("generate_until", requests, answers.generated([request.args for request in requests]))

        def get_model_info(self) -> dict[str, Any]:
            """What the harness keeps of a model beside its scores."""
            return {
                "model_num_parameters": Accounting(model.configuration).parameters,
                "model_dtype": str(model.dtype),
                "model_revision": "",
                "model_sha": "",
            }

        def chat_template(self, chat_template: bool | str = False) -> str:
            return _refuse_chat() if chat_template else ""

        def apply_chat_template(self, chat_history: Any, add_generation_prompt: bool = True) -> str:
            _refuse_chat()

        def _cached(self, kind: str, requests: Sequence[Any], responses: list[Any]) -> list[Any]:
            for request, answer in zip(requests, responses, strict=True):
                self.cache_hook.add_partial(kind, request.args, answer)
            return responses

    return LMEvalModel()


def _refuse_chat() -> NoReturn:
    raise EvaluationError(
        "GPT-2 has no chat template: it continues texts. Leave apply_chat_template and system_instruction out."
    )


@dataclass(frozen=True)
class _Answers:
    """The harness's requests, answered by one model."""

    tokenizer: Tokenizer
    scorer: ContinuationScorer

    def of_pairs(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[float, bool]]:
        """Log-likelihood in nats of (context, continuation), and whether the continuation is greedy."""
        encoded = [encode_request(self.tokenizer, *pair, encoding="together", special_tokens="parse") for pair in pairs]
        return [(answer.log_likelihood, answer.is_greedy) for answer in self.scorer.answer(encoded)]

    def of_texts(self, texts: Sequence[str]) -> list[float]:
        """Log-likelihood in nats of whole texts, every token scored once."""
        end, block_size = self.tokenizer.end_of_text_id, self.scorer.model.configuration.block_size
        encoded = [self.tokenizer.encode(text, special_tokens="parse") for text in texts]
        parts = [windows(tokens, end_of_text_id=end, block_size=block_size) for tokens in encoded]
        answers = iter(self.scorer.answer([window for some in parts for window in some]))
        return [float(sum(next(answers).log_likelihood for _ in some)) for some in parts]

    def generated(self, requests: Sequence[tuple[str, dict[str, Any]]]) -> list[str]:
        """The greedy continuation of every (context, settings), those with the same settings together."""
        model = self.scorer.model
        groups: dict[GenerationSettings, list[int]] = {}
        for number, (_, settings) in enumerate(requests):
            read = generation_settings(settings, block_size=model.configuration.block_size)
            groups.setdefault(read, []).append(number)
        end = self.tokenizer.decode([self.tokenizer.end_of_text_id])
        texts_by_number: dict[int, str] = {}
        for group, numbers in groups.items():
            texts = greedy_texts(
                model,
                self.tokenizer,
                [requests[number][0] for number in numbers],
                stops=[*group.stops, end],  # written out it ends an answer too, as in the harness
                max_new_tokens=group.max_new_tokens,
                special_tokens="parse",
            )
            texts_by_number.update(zip(numbers, texts, strict=True))
        return [texts_by_number[number] for number in range(len(requests))]
