"""The 22 tasks of CORE, as facts: where each lies, how it is prompted, what guessing gets.

Source: Li et al. 2024 (DCLM), appendix G, and its eval/heavy.yaml for prompts and numbers of examples. The baselines
are those under which nanochat's published centred scores come out as whole numbers of items.
"""

from dataclasses import dataclass
from typing import Literal

from gpt25.evaluation.sets.hub_sets import HubFile, hub_set


@dataclass(frozen=True)
class CoreTask:
    """One of the 22."""

    name: str
    kind: Literal["multiple choice", "schema", "language modelling"]
    files: tuple[str, ...]
    """File names without their endings, in the order in which they are looked for."""
    number_of_shots: int
    """Few-shot examples before each item."""
    baseline: float
    """The accuracy of guessing."""
    delimiter: str = " "
    """What stands between a question and its answer."""
    hub: HubFile | None = None
    """The set itself on the Hub, where DCLM's rows can be made from it; None where they cannot."""


_ANSWER = "\nAnswer: "
_HELLASWAG = ("hellaswag", "hellaswag_val")
_HELLASWAG_HUB = hub_set("Rowan/hellaswag", "default", "validation")
_ARC = "allenai/ai2_arc"

CORE_TASKS: tuple[CoreTask, ...] = (
    CoreTask("hellaswag_zeroshot", "multiple choice", _HELLASWAG, 0, 0.25, hub=_HELLASWAG_HUB),
    CoreTask("jeopardy", "language modelling", ("jeopardy_all", "jeopardy", "JEOPARDY_QUESTIONS1"), 10, 0.0, _ANSWER),
    CoreTask("bigbench_qa_wikidata", "language modelling", ("bigbench_qa_wikidata",), 10, 0.0),
    CoreTask(
        "arc_easy",
        "multiple choice",
        ("arc_easy", "ARC-Easy-Test"),
        10,
        0.25,
        _ANSWER,
        hub_set(_ARC, "ARC-Easy", "test"),
    ),
    CoreTask(
        "arc_challenge",
        "multiple choice",
        ("arc_challenge", "ARC-Challenge-Test"),
        10,
        0.25,
        _ANSWER,
        hub_set(_ARC, "ARC-Challenge", "test"),
    ),
    CoreTask("copa", "multiple choice", ("copa",), 0, 0.5, hub=hub_set("aps/super_glue", "copa", "validation")),
    CoreTask("commonsense_qa", "multiple choice", ("commonsense_qa",), 10, 0.2),
    CoreTask("piqa", "multiple choice", ("piqa",), 10, 0.5, _ANSWER, hub_set("baber/piqa", "default", "validation")),
    CoreTask(
        "openbook_qa", "multiple choice", ("openbook_qa",), 0, 0.25, hub=hub_set("allenai/openbookqa", "main", "test")
    ),
    CoreTask(
        "lambada_openai",
        "language modelling",
        ("lambada_openai",),
        0,
        0.0,
        hub=hub_set("EleutherAI/lambada_openai", "default", "test"),
    ),
    CoreTask("hellaswag", "multiple choice", _HELLASWAG, 10, 0.25, hub=_HELLASWAG_HUB),
    CoreTask("winograd", "schema", ("winograd_wsc",), 0, 0.5, hub=hub_set("lighteval/winograd_wsc", "wsc273", "test")),
    CoreTask(
        "winogrande",
        "schema",
        ("winogrande",),
        0,
        0.5,
        hub=hub_set("allenai/winogrande", "winogrande_xl", "validation"),
    ),
    CoreTask("bigbench_dyck_languages", "language modelling", ("bigbench_dyck_languages",), 10, 0.0),
    CoreTask("agi_eval_lsat_ar", "multiple choice", ("agi_eval_lsat_ar", "lsat-ar"), 3, 0.2),
    CoreTask("bigbench_cs_algorithms", "language modelling", ("bigbench_cs_algorithms",), 10, 0.0),
    CoreTask("bigbench_operators", "language modelling", ("bigbench_operators",), 10, 0.0),
    CoreTask("bigbench_repeat_copy_logic", "language modelling", ("bigbench_repeat_copy_logic",), 10, 0.0),
    CoreTask(
        "squad",
        "language modelling",
        ("squad", "dev-v1.1"),
        10,
        0.0,
        hub=hub_set("rajpurkar/squad", "plain_text", "validation"),
    ),
    CoreTask(
        "coqa",
        "language modelling",
        ("coqa", "coqa-dev-v1.0"),
        0,
        0.0,
        hub=hub_set("stanfordnlp/coqa", "default", "validation"),
    ),
    CoreTask(
        "boolq", "multiple choice", ("boolq",), 10, 0.62, _ANSWER, hub_set("google/boolq", "default", "validation")
    ),
    CoreTask("bigbench_language_identification", "multiple choice", ("bigbench_language_identification",), 10, 0.091),
)
