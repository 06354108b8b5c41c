"""`gpt25 doctor --reference MODEL`: whether a model is what OpenAI released, as a table of checks."""

import dataclasses

import torch

from gpt25.cli.output import Output
from gpt25.errors import WeightsError
from gpt25.model import PUBLISHED_CONFIGURATIONS
from gpt25.recipes.reference_check import ReferenceCheck, number_of_reference_checks, reference_checks
from gpt25.references.openai_weights import OPENAI_WEIGHTS
from gpt25.references.scores import nearest_model
from gpt25.weights import load_pretrained

_WIDEST_CELL = 29  # so that two such cells and a verdict fit 80 columns


def compare_with_published(word: str, device: torch.device, output: Output) -> None:
    """Load a model in float32 and compare it with the published one of its name, else of the nearest size.

    Raises WeightsError, after all checks were shown, when one of them differs; and whatever loading raises.
    """
    model, tokenizer = load_pretrained(word, device=device)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    name = word.partition("@")[0]
    name = name if name in OPENAI_WEIGHTS else nearest_model(parameters)
    facts = OPENAI_WEIGHTS[name]
    checks = []
    with output.progress("checking", number_of_reference_checks(facts), "checks") as progress:
        for check in reference_checks(model, tokenizer, facts, PUBLISHED_CONFIGURATIONS[name]):
            checks.append(check)
            progress.advance()
    different = [check for check in checks if not check.passed]
    values_checked = bool(facts.first_position_values or facts.continuations)
    if not output.json:
        _show(word, name, checks, output)
    output.result(
        {
            "model": word,
            "reference": name,
            "passed": not different,
            "numbers_checked": values_checked,
            "checks": [dataclasses.asdict(check) for check in checks],
        },
        None if different else _verdict(word, name, len(checks), values_checked=values_checked),
    )
    if different:
        names = ", ".join(check.name for check in different)
        raise WeightsError(
            f"{word} is not OpenAI's {name}: {len(different)} of {len(checks)} checks differ ({names}). Fetch it "
            "again, or see whether it is a fine-tuned or another model."
        )


def _show(word: str, name: str, checks: list[ReferenceCheck], output: Output) -> None:
    rows = [
        (_short(check.name), _short(check.expected), "as published" if check.passed else "differs") for check in checks
    ]
    output.table(f"{word} beside OpenAI's {name}", ("check", "published", "here"), rows)
    for check in checks:
        if not check.passed:
            output.say(f"\n{check.name}\n  published  {check.expected}\n  here       {check.found}\n  {check.source}")
    output.say()


def _short(text: str) -> str:
    return text if len(text) <= _WIDEST_CELL else text[: _WIDEST_CELL - 1] + "…"


def _verdict(word: str, name: str, number_of_checks: int, *, values_checked: bool) -> str:
    if values_checked:
        return f"{word} is OpenAI's {name}: all {number_of_checks} checks agree."
    return (
        f"{word} has the shape of OpenAI's {name} ({number_of_checks} checks agree). Whether the weights are OpenAI's "
        "is open: none of them were published."
    )
