"""Every task, one row each."""

import difflib
from typing import TYPE_CHECKING

from gpt25.errors import EvaluationError
from gpt25.evaluation.sets import choice_readers as read
from gpt25.evaluation.sets.blimp_paradigms import BLIMP_PARADIGMS
from gpt25.evaluation.sets.cloze_reader import cloze_item, cloze_rows
from gpt25.evaluation.sets.hub_sets import HubFile, hub_set
from gpt25.evaluation.task import Task

if TYPE_CHECKING:
    from gpt25.evaluation.protocols.text_perplexity import TextMetric

PUBLISHED_TOKENS = 10_485_760
"""On so many tokens the published losses are measured: 20 × 524,288 (llm.c, build-nanogpt, modded-nanogpt)."""

HARNESS_PREFIX = "lm-eval:"
"""What a task's name begins with that lm-evaluation-harness knows, and this table does not."""

_WORDS: "tuple[TextMetric, ...]" = ("word_perplexity", "token_perplexity", "bits_per_byte")
_HELLASWAG = (hub_set("Rowan/hellaswag", "default", "validation"),)
_WIKITEXT = "Salesforce/wikitext"
_LAST_5_MB = "Of a file of the whole 100,000,000 bytes the last 5,000,000, its usual test part, are scored."


def _loss(name: str, title: str, *, tokens: int | None = PUBLISHED_TOKENS, hub: HubFile | None = None) -> Task:
    return Task(name, "shards", title, hub=() if hub is None else (hub,), number_of_tokens=tokens)


_TASKS = (
    _loss("loss", "loss on any token shards (a directory or glob of .bin files)", tokens=None),
    _loss(
        "fineweb",
        "loss on FineWeb's validation shard, tokens of GPT-2",
        hub=HubFile("kjj0/fineweb10B-gpt2", "fineweb_val_000000.bin"),
    ),
    _loss(
        "fineweb-edu",
        "loss on FineWeb-Edu's validation shard, tokens of GPT-2",
        hub=HubFile("kjj0/finewebedu10B-gpt2", "finewebedu_val_000000.bin"),
    ),
    _loss("climbmix", "loss on ClimbMix's held-out shard, as `gpt25 data fetch climbmix` makes it"),
    _loss("openwebtext", "loss on OpenWebText's validation shard", tokens=None),
    Task(
        "lambada",
        "last word",
        "LAMBADA test, OpenAI's text: the last word of 5,153 passages",
        hub=(hub_set("EleutherAI/lambada_openai", "default", "test"),),
    ),
    Task(
        "cbt-cn",
        "multiple choice",
        "Children's Book Test, common nouns: choice and rest of the sentence",
        hub=(hub_set("cam-cst/cbt", "CN", "test"),),
        read=cloze_item,
        gather=cloze_rows,
    ),
    Task(
        "cbt-ne",
        "multiple choice",
        "Children's Book Test, named entities: choice and rest of the sentence",
        hub=(hub_set("cam-cst/cbt", "NE", "test"),),
        read=cloze_item,
        gather=cloze_rows,
    ),
    Task(
        "wikitext2",
        "text",
        "WikiText-2 test, raw, de-tokenised, as one text",
        hub=(hub_set(_WIKITEXT, "wikitext-2-raw-v1", "test"),),
        metrics=_WORDS,
        detokeniser="wikitext",
    ),
    Task(
        "wikitext2-articles",
        "text",
        "WikiText-2 test, raw, de-tokenised as wikitext2 is, article by article",
        hub=(hub_set(_WIKITEXT, "wikitext-2-raw-v1", "test"),),
        metrics=_WORDS,
        detokeniser="wikitext",
        documents="articles",
    ),
    Task(
        "wikitext2-harness",
        "text",
        "WikiText-2 test, raw, by the protocol of lm-evaluation-harness: its pages, de-tokeniser and count of words",
        hub=(hub_set("EleutherAI/wikitext_document_level", "wikitext-2-raw-v1", "test"),),
        metrics=("word_perplexity", "byte_perplexity", "bits_per_byte"),
        documents="harness pages",
    ),
    Task(
        "wikitext103",
        "text",
        "WikiText-103 test, raw, de-tokenised, as one text (the same text as WikiText-2's)",
        hub=(hub_set(_WIKITEXT, "wikitext-103-raw-v1", "test"),),
        metrics=_WORDS,
        detokeniser="wikitext",
    ),
    Task(
        "ptb",
        "text",
        "Penn Treebank test (Mikolov's), de-tokenised, as one text",
        hub=(hub_set("ptb-text-only/ptb_text_only", "penn_treebank", "test"),),
        metrics=_WORDS,
        detokeniser="ptb",
    ),
    Task(
        "1bw",
        "text",
        "One Billion Word benchmark, test, de-tokenised, sentence by sentence (they are shuffled)",
        hub=(hub_set("billion-word-benchmark/lm1b", "plain_text", "test"),),
        metrics=_WORDS,
        detokeniser="newswire",
        documents="lines",
    ),
    Task(
        "enwik8",
        "text",
        "enwik8, Wikipedia with its markup",
        hub=(hub_set("LTCB/enwik8", "enwik8", "train"),),
        metrics=("bits_per_byte", "token_perplexity"),
        note=_LAST_5_MB,
    ),
    Task(
        "text8",
        "text",
        "text8, Wikipedia in lower case without punctuation",
        hub=(hub_set("afmck/text8", "default", "test"),),
        metrics=("bits_per_character", "token_perplexity"),
        note=_LAST_5_MB,
    ),
    Task(
        "hellaswag",
        "multiple choice",
        "HellaSwag validation, completion style of llm.c and build-nanogpt",
        hub=_HELLASWAG,
        read=read.hellaswag_completion,
        encoding="apart",
        normalisation="tokens",
    ),
    Task(
        "hellaswag-harness",
        "multiple choice",
        "HellaSwag validation, style of lm-evaluation-harness",
        hub=_HELLASWAG,
        read=read.hellaswag_harness,
        normalisation="characters",
    ),
    Task(
        "piqa",
        "multiple choice",
        "PIQA validation",
        hub=(hub_set("baber/piqa", "default", "validation"),),
        read=read.piqa,
        normalisation="characters",
    ),
    Task(
        "arc-easy",
        "multiple choice",
        "ARC easy, test",
        hub=(hub_set("allenai/ai2_arc", "ARC-Easy", "test"),),
        read=read.arc,
        normalisation="characters",
    ),
    Task(
        "arc-challenge",
        "multiple choice",
        "ARC challenge, test",
        hub=(hub_set("allenai/ai2_arc", "ARC-Challenge", "test"),),
        read=read.arc,
        normalisation="characters",
    ),
    Task(
        "winogrande",
        "multiple choice",
        "WinoGrande XL validation: what follows the blank, after either filling",
        hub=(hub_set("allenai/winogrande", "winogrande_xl", "validation"),),
        read=read.winogrande,
    ),
    Task(
        "winograd",
        "multiple choice",
        "Winograd schema challenge, 273: what follows the pronoun, after either reading",
        hub=(hub_set("lighteval/winograd_wsc", "wsc273", "test"),),
        read=read.winograd,
    ),
    Task(
        "copa",
        "multiple choice",
        "COPA validation (SuperGLUE)",
        hub=(hub_set("aps/super_glue", "copa", "validation"),),
        read=read.copa,
    ),
    Task(
        "boolq",
        "multiple choice",
        "BoolQ validation (SuperGLUE): no or yes after passage and question",
        hub=(hub_set("aps/super_glue", "boolq", "validation"),),
        read=read.boolq,
    ),
    Task(
        "openbookqa",
        "multiple choice",
        "OpenBookQA test, without the book",
        hub=(hub_set("allenai/openbookqa", "main", "test"),),
        read=read.openbookqa,
        normalisation="characters",
    ),
    Task(
        "commonsense-qa",
        "multiple choice",
        "CommonsenseQA validation: the letter of the answer",
        hub=(hub_set("tau/commonsense_qa", "default", "validation"),),
        read=read.commonsense_qa,
    ),
    Task(
        "siqa",
        "multiple choice",
        "Social IQA validation",
        hub=(hub_set("lighteval/siqa", "default", "validation"),),
        read=read.siqa,
    ),
    Task(
        "blimp",
        "minimal pairs",
        "BLiMP: 67 paradigms of 1,000 pairs of sentences",
        hub=tuple(hub_set("nyu-mll/blimp", paradigm, "train") for paradigm in BLIMP_PARADIGMS),
        read=read.blimp,
    ),
    Task("core", "core", "CORE (DCLM): the mean centred accuracy of 22 tasks, as in nanochat"),
)
TASKS: dict[str, Task] = {task.name: task for task in _TASKS}
"""Every task by its name."""


def find_task(name: str) -> Task:
    """The task of that name: find_task("wikitext-2") raises EvaluationError that offers "wikitext2"."""
    if name in TASKS:
        return TASKS[name]
    near = difflib.get_close_matches(name.lower(), TASKS, n=1, cutoff=0.4)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise EvaluationError(f"there is no task {name!r}.{hint} The tasks are {', '.join(TASKS)}.")
