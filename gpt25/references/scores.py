"""What OpenAI's GPT-2, and GPT-3 of the same sizes, scored on the sets that `gpt25 evaluate` knows."""

import math
from collections.abc import Sequence

from gpt25.references.published_score import PARAMETERS, PublishedScore

_GPT2 = ("gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl")
_GPT3 = ("gpt3-small", "gpt3-medium", "gpt3-large", "gpt3-xl")
_PAPER = "Radford et al. 2019, Language Models are Unsupervised Multitask Learners, Table 3"
_PER_WORD = "zero-shot, invertible de-tokenisers, per word of the tokenised original; context overlap not published"


def _row(
    task: str, metric: str, values: Sequence[float | None], definition: str, source: str, models: Sequence[str] = _GPT2
) -> list[PublishedScore]:
    return [
        PublishedScore(task, metric, model, value, definition, source)
        for model, value in zip(models, values, strict=True)
        if value is not None
    ]


_TABLE_3 = [
    *_row(
        "lambada",
        "perplexity",
        (35.13, 15.60, 10.87, 8.63),
        "OpenAI's own text (not the lower-cased release); the paper does not say whether per token or per word",
        _PAPER,
    ),
    *_row(
        "lambada",
        "accuracy_stop_word_filter",
        (0.4599, 0.5548, 0.6012, 0.6324),
        "OpenAI's own text; with a stop-word filter, which lifts the largest from 0.5266 (section 3.3); its list is "
        "not published, and reproductions without it come near the smallest's figure by counting the last token",
        _PAPER,
    ),
    *_row("cbt-cn", "accuracy", (0.8765, 0.9235, 0.9345, 0.9330), "de-tokenised; choice and rest of sentence", _PAPER),
    *_row("cbt-ne", "accuracy", (0.834, 0.871, 0.880, 0.8905), "de-tokenised; choice and rest of sentence", _PAPER),
    *_row("wikitext2", "word_perplexity", (29.41, 22.76, 19.93, 18.34), _PER_WORD, _PAPER),
    *_row("ptb", "word_perplexity", (65.85, 47.33, 40.31, 35.76), _PER_WORD, _PAPER),
    *_row("enwik8", "bits_per_byte", (1.16, 1.01, 0.97, 0.93), "bits per byte", _PAPER),
    *_row("text8", "bits_per_character", (1.17, 1.06, 1.02, 0.98), "bits per character", _PAPER),
    *_row("wikitext103", "word_perplexity", (37.50, 26.37, 22.05, 17.48), _PER_WORD, _PAPER),
    *_row("1bw", "word_perplexity", (75.20, 55.72, 44.575, 42.16), _PER_WORD, _PAPER),
]
_LOSSES = [
    *_row(
        "fineweb",
        "loss",
        (3.424958, 3.083089, 3.000580, 2.831273),
        "nats per token on the first 10,485,760 tokens of the validation shard, windows of 1,024",
        "karpathy/llm.c, dev/vislog.ipynb",
    ),
    *_row(
        "fineweb-edu",
        "loss",
        (3.2924, None, None, None),
        "nats per token on the first 10,485,760 tokens of the validation shard, windows of 1,024",
        "karpathy/build-nanogpt, play.ipynb",
    ),
    *_row(
        "openwebtext",
        "loss",
        (3.12, 2.84, 2.67, 2.54),
        "nats per token on random windows of nanoGPT's validation split",
        "karpathy/nanoGPT, README.md",
    ),
]
_HELLASWAG = [
    *_row(
        "hellaswag",
        "accuracy_norm",
        (0.294463, 0.375224, 0.431986, 0.488946),
        "completion style, mean loss per token of the ending, 10,042 items, bfloat16",
        "karpathy/llm.c, dev/vislog.ipynb",
    ),
    *_row(
        "hellaswag",
        "accuracy_norm",
        (0.2955, None, None, None),
        "completion style, mean loss per token of the ending, 10,042 items, float32",
        "karpathy/build-nanogpt, hellaswag.py",
    ),
    *_row(
        "hellaswag",
        "accuracy",
        (0.2859, None, None, None),
        "completion style, summed loss of the ending, 10,042 items, float32",
        "karpathy/build-nanogpt, hellaswag.py",
    ),
    *_row(
        "hellaswag",
        "accuracy_norm",
        (0.337, 0.436, 0.510, 0.547),
        "GPT-3, zero-shot, loss per token",
        "Brown et al. 2020, appendix H; karpathy/llm.c, dev/vislog.ipynb",
        _GPT3,
    ),
    *_row(
        "hellaswag-harness",
        "accuracy",
        (0.2892, None, None, 0.4004),
        "lm-evaluation-harness, summed log-likelihood",
        "karpathy/build-nanogpt, hellaswag.py",
    ),
    *_row(
        "hellaswag-harness",
        "accuracy_norm",
        (0.3114, None, None, 0.5089),
        "lm-evaluation-harness, log-likelihood per character",
        "karpathy/build-nanogpt, hellaswag.py",
    ),
]
_OTHERS = [
    *_row(
        "lambada",
        "accuracy",
        (0.3256, None, None, None),
        "lm-evaluation-harness, lambada_openai: every token of the last word is the likeliest",
        "EleutherAI/lm-evaluation-harness, issue 2159",
    ),
    *_row(
        "lambada",
        "perplexity",
        (40.06, None, None, 10.63),
        "lm-evaluation-harness, lambada_openai: exp of the mean loss of the last word",
        "EleutherAI/lm-evaluation-harness, issues 2159 and 911",
    ),
    *_row(
        "wikitext2-harness",
        "word_perplexity",
        (37.37, None, None, None),
        "lm-evaluation-harness, wikitext: article by article, windows that do not overlap, per word",
        "huggingface/transformers, issue 13761",
    ),
    *_row(
        "wikitext2",
        "token_perplexity",
        (29.94, None, None, None),
        "per token, raw text, overlapping windows",
        "huggingface/transformers, issue 13761",
    ),
    *_row(
        "blimp",
        "accuracy",
        (None, None, 0.830238806, None),
        "the authors' own scoring of whole sentences, mean of 67 paradigms",
        "alexwarstadt/blimp, raw_results/summary/models_summary.jsonl",
    ),
    *_row(
        "core",
        "core",
        (None, None, None, 0.256525),
        "mean of 22 centred accuracies (DCLM)",
        "karpathy/nanochat, README.md",
    ),
]
PUBLISHED_SCORES: tuple[PublishedScore, ...] = (*_TABLE_3, *_LOSSES, *_HELLASWAG, *_OTHERS)
"""Every figure, the paper's first."""


def nearest_model(parameters: int, models: Sequence[str] = _GPT2) -> str:
    """The published model of the nearest size, by the ratio of sizes: nearest_model(130_000_000) -> "gpt2"."""
    return min(models, key=lambda model: abs(math.log(PARAMETERS[model] / max(parameters, 1))))


def scores_beside(task: str, parameters: int) -> list[PublishedScore]:
    """The figures of one task that stand beside a model of so many parameters: those of the nearest published size.

    For every definition GPT-2's own figures and GPT-3's, each of the nearest size that has one under it.
    """
    chosen = []
    seen = []
    for score in PUBLISHED_SCORES:
        key = _key(score)
        if score.task != task or key in seen:
            continue
        seen.append(key)
        same_definition = {
            other.model: other for other in PUBLISHED_SCORES if other.task == task and _key(other) == key
        }
        chosen.append(same_definition[nearest_model(parameters, list(same_definition))])
    return chosen


def has_published_gpt2(task: str) -> bool:
    """Whether a figure of OpenAI's GPT-2, measured by OpenAI or by others, is published for a task."""
    return any(score.task == task and score.model in _GPT2 for score in PUBLISHED_SCORES)


def _key(score: PublishedScore) -> tuple[str, str, str]:
    return (score.metric, score.definition, score.source)
