"""A request for completions, checked against the model that it asks."""

from dataclasses import dataclass

from gpt25.errors import GenerationError
from gpt25.generation import SamplingSettings
from gpt25.generation.engine import Request
from gpt25.server.api.api_error import APIError
from gpt25.server.api.completion_request import ALLOWED, CompletionRequest, StreamOptions
from gpt25.server.api.prompts import prompts_of
from gpt25.server.registry.served_model import ServedModel

MOST_TOKENS_OF_A_REQUEST = 1 << 18
_DEFAULT_MAX_TOKENS = 16
_SEEDS = 1 << 63
_MOST_SAMPLES = 1024


@dataclass(frozen=True)
class AskedCompletion:
    """What is to be written, and how it is to be shown."""

    served: ServedModel
    requests: tuple[Request, ...]
    """One for each prompt."""
    wanted: int
    """Choices of each prompt; where the requests have more samples, the likeliest of them."""
    logprobs: int | None
    echo: bool
    stream: bool
    include_usage: bool

    @property
    def chooses_best(self) -> bool:
        """Whether more is written than shown."""
        return self.requests[0].settings.samples > self.wanted

    @property
    def prompt_tokens(self) -> int:
        """Tokens of all prompts."""
        return sum(len(request.prompt_ids) for request in self.requests)


def asked_completion(body: CompletionRequest, served: ServedModel) -> AskedCompletion:
    """Check what no field shows by itself. Raises APIError naming the field and what is allowed."""
    if body.suffix not in (None, ""):
        raise APIError(400, f"suffix must be {ALLOWED['suffix']}.", param="suffix")
    prompts = prompts_of(served, body.prompt, special_tokens=body.special_tokens or "parse")
    wanted = body.n or 1
    samples = _samples(body, wanted)
    new_tokens = _new_tokens(body, max(map(len, prompts)), served)
    if samples * len(prompts) > _MOST_SAMPLES:
        raise APIError(
            400,
            f"{len(prompts)} prompts with {samples} texts each are more than the {_MOST_SAMPLES:,} texts that a "
            "request may ask for.",
            param="best_of" if samples > wanted else "n",
        )
    tokens = sum(len(prompt) + samples * new_tokens for prompt in prompts)
    if tokens > MOST_TOKENS_OF_A_REQUEST:
        raise APIError(
            400,
            f"the request is about {tokens:,} tokens, of prompts and texts together; it may be about "
            f"{MOST_TOKENS_OF_A_REQUEST:,}. Ask in several requests.",
            param="max_tokens",
        )
    options = body.stream_options or StreamOptions()
    settings = _settings(body, served, samples)
    assert settings.seed is not None
    chooses_best = samples > wanted
    requests = tuple(
        Request(
            tuple(prompt),
            settings.changed({"seed": (settings.seed + number) % _SEEDS}),
            new_tokens,
            log_probabilities=0 if body.logprobs is None and chooses_best else body.logprobs,
            prompt_log_probabilities=bool(body.echo) and body.logprobs is not None,
        )
        for number, prompt in enumerate(prompts)
    )
    return AskedCompletion(
        served,
        requests,
        wanted,
        logprobs=body.logprobs,
        echo=bool(body.echo),
        stream=bool(body.stream),
        include_usage=bool(options.include_usage),
    )


def _samples(body: CompletionRequest, wanted: int) -> int:
    """How many texts of a prompt are written; 0 and nothing for best_of mean as many as are wanted."""
    if body.stream_options is not None and not body.stream:
        raise APIError(400, "stream_options is only for a stream: add stream=true.", param="stream_options")
    if not body.best_of:
        return wanted
    if body.best_of < wanted:
        raise APIError(
            400, f"best_of is {body.best_of} and n is {wanted}; best_of must not be below n.", param="best_of"
        )
    if body.stream and body.best_of > wanted:
        raise APIError(400, "the best texts are known at the end only: leave stream or best_of out.", param="best_of")
    return body.best_of


def _new_tokens(body: CompletionRequest, prompt_tokens: int, served: ServedModel) -> int:
    """Most tokens of each text, where they fit the block size behind the longest prompt."""
    wanted = _DEFAULT_MAX_TOKENS if body.max_tokens is None else body.max_tokens
    if wanted == 0 and not body.echo:
        raise APIError(
            400, "max_tokens is 0, and nothing is echoed; that would be no answer at all.", param="max_tokens"
        )
    room = served.block_size - prompt_tokens + 1  # the last token is never read
    if wanted > room:
        raise APIError(
            400,
            f"the prompt's {prompt_tokens:,} tokens and max_tokens {wanted:,} do not fit the block size of "
            f"{served.block_size:,} tokens; behind this prompt max_tokens can be at most {room:,}.",
            param="max_tokens",
            code="context_length_exceeded",
        )
    return wanted


def _biases(given: dict[str, float], served: ServedModel) -> tuple[tuple[int, float], ...]:
    """The biases by token id; their bounds are the settings' business, the vocabulary is not."""
    biases = []
    for name, bias in given.items():
        is_id = name.isascii() and name.isdigit() and len(name) < 10 and str(int(name)) == name
        if not is_id or int(name) >= served.tokenizer.vocabulary_size:
            raise APIError(
                400,
                f"logit_bias must be {ALLOWED['logit_bias']}; ids of {served.name} go from 0 to "
                f"{served.tokenizer.vocabulary_size - 1:,}.",
                param="logit_bias",
            )
        biases.append((int(name), bias))
    return tuple(biases)


def _settings(body: CompletionRequest, served: ServedModel, samples: int) -> SamplingSettings:
    """How to draw; the fields that have no bounds of their own are checked here."""
    try:
        return SamplingSettings(
            temperature=1.0 if body.temperature is None else body.temperature,
            top_k=body.top_k,
            top_p=body.top_p,
            min_p=body.min_p,
            repetition_penalty=1.0 if body.repetition_penalty is None else body.repetition_penalty,
            frequency_penalty=body.frequency_penalty or 0.0,
            presence_penalty=body.presence_penalty or 0.0,
            logit_bias=_biases(body.logit_bias or {}, served),
            stop=() if body.stop is None else body.stop,  # type: ignore[arg-type]  # it is made a tuple and checked
            samples=samples,
            seed=None if body.seed is None else body.seed % _SEEDS,
        ).with_seed()
    except GenerationError as problem:
        raise APIError(400, str(problem), param=str(problem).partition(" ")[0]) from None
