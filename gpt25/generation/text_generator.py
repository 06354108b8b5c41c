"""Text from a model and its tokenizer."""

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Literal, Unpack

from gpt25.errors import GenerationError, GPT25Error
from gpt25.generation.collect_samples import collect_samples
from gpt25.generation.engine import Engine, Request, Runners, Ticket
from gpt25.generation.piece import Piece
from gpt25.generation.sample import Sample
from gpt25.generation.sampling_settings import SamplingChanges, SamplingSettings
from gpt25.generation.short_repr import short_repr
from gpt25.model import Accounting
from gpt25.tokenizer import SpecialTokens, Tokenizer

if TYPE_CHECKING:
    from gpt25.model import GPTModel, ModelArrays

DEFAULT_NEW_TOKENS = 256  # where max_new_tokens is None and the block size leaves as many: about a page
# What the rows of one batch may take: 1 GiB is about 45 rows of 300 positions for the 124M in float32, whose cache
# takes 73,728 bytes a position.
_BYTES_PER_BATCH = 1 << 30
_MOST_SLOTS = 64  # more rows a step gain nothing where the weights are read once for them all
# One row's logits on their way to a token: float32 scores and weights, float64 sums, as many again for temporaries.
_BYTES_PER_LOGIT = 32


class TextGenerator:
    """Continues prompts with a GPT-2.

        TextGenerator(model, tokenizer).generate("Hello, I'm a language model,", samples=5, max_new_tokens=43, seed=42)

    The prompt and the new tokens together must fit the block size: GPT-2 has no positions beyond it, and a window that
    slid along would silently forget the beginning. Whoever wants more text passes the end of what there is as the next
    prompt. The model computes where and in the precision in which it is; its mode (training or evaluation) is kept.

    The same seed gives the same sample i, alone or beside others, with more or fewer samples: to the last bit where the
    kernels of the extra `fast` run (`kernels="auto"`: on a processor, in float32 or int8). With torch's own, matrix
    products of another height may round differently, and a draw that falls within that rounding of the border between
    two tokens can then give the other one. On the processor in bfloat16, torch rounds all heights but one row alike,
    and a lone row is computed twice.
    """

    def __init__(
        self,
        model: "GPTModel | ModelArrays",
        tokenizer: Tokenizer | None,
        *,
        kernels: Literal["auto", "torch"] = "auto",
    ) -> None:
        """Raises GenerationError for a missing tokenizer or one with more tokens than the model knows.

        model: ModelArrays are for those who load without torch, and need the extra `fast`.
        kernels: "auto" takes those of that extra where they are installed and the model is worth it.
        """
        if tokenizer is None:
            raise GenerationError(
                "this model has no tokenizer, so it can neither read nor write text; put its vocab.json and merges.txt "
                "into the model directory, or for OpenAI's vocabulary pass Tokenizer.gpt2()."
            )
        known = model.configuration.vocabulary_size
        if tokenizer.vocabulary_size > known:
            raise GenerationError(
                f"the tokenizer {tokenizer.name} has {tokenizer.vocabulary_size} tokens, the model only {known}; they "
                "do not belong together: use the tokenizer that the model was trained with."
            )
        self.model = model
        self.tokenizer = tokenizer
        self._runners = Runners(model, kernels=kernels)

    def generate(
        self,
        prompt: str | Sequence[int] = "",
        *,
        settings: SamplingSettings = SamplingSettings(),  # noqa: B008  # frozen: it can be shared
        special_tokens: SpecialTokens = "text",
        **changes: Unpack[SamplingChanges],
    ) -> list[Sample]:
        """Continue the prompt, once per sample.

        prompt: text, or token ids; empty means `<|endoftext|>`, where every training document begins.
        settings, changes: see SamplingSettings; `changes` replace single fields, as in temperature=0.
        special_tokens: whether the name of a special token in the prompt is text or, with "parse", that token.
        Returns the samples in order. Raises GenerationError when a setting is out of range, when prompt and new tokens
        do not fit the block size, or when the logits are not finite; TokenizerError for text that has no UTF-8.
        """
        settings = settings.changed(changes).with_seed()
        return collect_samples(self.stream(prompt, settings=settings, special_tokens=special_tokens), settings)

    def stream(
        self,
        prompt: str | Sequence[int] = "",
        *,
        settings: SamplingSettings = SamplingSettings(),  # noqa: B008  # frozen: it can be shared
        special_tokens: SpecialTokens = "text",
        **changes: Unpack[SamplingChanges],
    ) -> Iterator[Piece]:
        """Continue the prompt and yield the text as it becomes certain; arguments and errors as in `generate`.

        Everything about the request is checked before this returns. Pieces of several samples come mixed; each names
        its sample, and a sample's last piece has a finish_reason.
        """
        settings = settings.changed(changes).with_seed()
        self._require_known(settings)
        prompt_ids = self.prompt_ids(prompt, special_tokens=special_tokens)
        return self._run(prompt_ids, settings, self.new_tokens(len(prompt_ids), settings.max_new_tokens))

    def generate_all(
        self,
        prompts: Sequence[str | Sequence[int]],
        *,
        settings: SamplingSettings = SamplingSettings(),  # noqa: B008  # frozen: it can be shared
        special_tokens: SpecialTokens = "text",
        skip: Collection[int] = (),
        **changes: Unpack[SamplingChanges],
    ) -> Iterator[tuple[int, list[Sample]]]:
        """Continue many prompts side by side; yield each one's number and samples when they are done.

        Prompt i has the seed of the settings plus i, so it gets the texts that `generate` writes with that seed. skip:
        numbers of prompts that are left out. Other arguments and errors as in `generate`; every prompt is checked
        before this returns, and an error names it.
        """
        settings = settings.changed(changes).with_seed()
        self._require_known(settings)
        assert settings.seed is not None
        requests = {}
        for number, prompt in enumerate(prompts):
            try:
                ids = self.prompt_ids(prompt, special_tokens=special_tokens)
                new_tokens = self.new_tokens(len(ids), settings.max_new_tokens)
            except GPT25Error as problem:
                raise GenerationError(f"prompt {number + 1} of {len(prompts)}: {problem}") from problem
            if number not in skip:
                own = settings.changed({"seed": settings.seed + number})
                requests[number] = Request(tuple(ids), own, new_tokens)
        return self._run_all(requests)

    def _run_all(self, requests: dict[int, Request]) -> Iterator[tuple[int, list[Sample]]]:
        """Run all requests in one engine, which holds no more of them than have slots or come next."""
        if not requests:
            return
        positions = max(len(request.prompt_ids) + request.max_new_tokens - 1 for request in requests.values())
        samples = sum(request.settings.samples for request in requests.values())
        slots = min(samples, self._rows_per_batch(positions), _MOST_SLOTS)
        engine = self._engine(slots=slots, positions=positions)
        coming, running = iter(requests.items()), dict[int, Ticket]()
        while True:
            while engine.waiting < slots and (following := next(coming, None)) is not None:
                running[following[0]] = engine.submit(following[1])
            if not running:
                return
            engine.step()
            for number in [number for number, ticket in running.items() if ticket.is_finished]:
                ticket = running.pop(number)
                if ticket.error is not None:
                    raise GenerationError(f"prompt {number + 1}: {ticket.error}")
                yield number, collect_samples(ticket.pieces, ticket.request.settings)

    def _engine(self, *, slots: int, positions: int) -> Engine:
        runner = self._runners.runner(slots=slots, capacity=positions)
        return Engine(runner, self.tokenizer, end_ids=self.model.end_ids(self.tokenizer.end_of_text_id))

    def prompt_ids(self, prompt: str | Sequence[int], *, special_tokens: SpecialTokens = "text") -> list[int]:
        """The token ids that the model will read: checked, and never empty."""
        if isinstance(prompt, str):
            ids = self.tokenizer.encode(prompt, special_tokens=special_tokens)
        else:
            ids = _checked_ids(prompt, self.tokenizer)
        return ids or [self.tokenizer.end_of_text_id]

    def new_tokens(self, prompt_tokens: int, requested: int | None) -> int:
        """How many tokens may follow a prompt of `prompt_tokens`; raises GenerationError where they do not fit."""
        block_size = self.model.configuration.block_size
        room = block_size - prompt_tokens
        if room < 1:
            raise GenerationError(
                f"the prompt has {prompt_tokens} tokens, but the model's block size is {block_size} and at least one "
                f"new token must fit; shorten the prompt to at most {block_size - 1} tokens."
            )
        if requested is None:
            return min(DEFAULT_NEW_TOKENS, room)
        if requested > room:
            raise GenerationError(
                f"the prompt's {prompt_tokens} tokens and max_new_tokens {requested} do not fit the model's block size "
                f"of {block_size}; max_new_tokens can be at most {room} for this prompt."
            )
        return requested

    def _run(self, prompt_ids: list[int], settings: SamplingSettings, max_new_tokens: int) -> Iterator[Piece]:
        """Run the samples, as many side by side as memory allows, behind a prompt that is read once."""
        positions = len(prompt_ids) + max_new_tokens - 1  # the last token is never read
        slots = min(settings.samples, self._rows_per_batch(positions))
        engine = self._engine(slots=slots, positions=positions)
        ticket = engine.submit(Request(tuple(prompt_ids), settings, max_new_tokens))
        while not ticket.is_finished:
            engine.step()
            while ticket.pieces:
                yield ticket.pieces.popleft()
        if ticket.error is not None:
            raise ticket.error

    def _require_known(self, settings: SamplingSettings) -> None:
        """Raise GenerationError for a bias of a token that the tokenizer does not have."""
        unknown = [token_id for token_id, _ in settings.logit_bias if token_id >= self.tokenizer.vocabulary_size]
        if unknown:
            raise GenerationError(
                f"logit_bias names the token {unknown[0]}; ids of the tokenizer {self.tokenizer.name} go from 0 to "
                f"{self.tokenizer.vocabulary_size - 1}."
            )

    def _rows_per_batch(self, positions: int) -> int:
        """How many rows of `positions` positions the memory for one batch holds, at least one."""
        configuration = self.model.configuration
        bytes_per_element = self.model.dtype.itemsize
        cache = Accounting(configuration).cache_bytes(
            batch_size=1, positions=positions, bytes_per_element=bytes_per_element
        )
        return max(1, _BYTES_PER_BATCH // (cache + _BYTES_PER_LOGIT * configuration.vocabulary_size))


def _checked_ids(prompt: object, tokenizer: Tokenizer) -> list[int]:
    if hasattr(prompt, "tolist"):  # an array or a tensor
        prompt = prompt.tolist()
    if not isinstance(prompt, list | tuple):
        raise GenerationError(f"the prompt is a {type(prompt).__name__}; it must be text or a list of token ids.")
    for index, token_id in enumerate(prompt):
        is_integer = isinstance(token_id, int) and not isinstance(token_id, bool)
        if not is_integer or not 0 <= token_id < tokenizer.vocabulary_size:
            raise GenerationError(
                f"token {index} of the prompt is {short_repr(token_id)}; ids of the tokenizer {tokenizer.name} are "
                f"whole numbers from 0 to {tokenizer.vocabulary_size - 1}."
            )
    return list(prompt)
