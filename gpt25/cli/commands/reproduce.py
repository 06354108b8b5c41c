"""The whole promise in one command: your own GPT-2, measured against OpenAI's, with the verdict and the loss graph.

Fetches the public token shards and OpenAI's weights, measures OpenAI's model, trains the recipe, scores the result on
the same items and says figure by figure whether it is better. Whatever stops it, the same words go on. On several GPUs:
`torchrun --nproc-per-node N -m -- gpt25 reproduce --run DIR`. Without a GPU, --trial goes through all of it in minutes.
"""

import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from gpt25.cli.output import Output
from gpt25.errors import ConfigurationError, Interrupted
from gpt25.records import DEFAULT_CURRENCY


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """What is reproduced, where, and at which price."""

    model: tyro.conf.Positional[str] = "gpt2"
    """The MODEL that is to be beaten: gpt2, OpenAI's 124M."""
    run: Path = Path("runs/reproduction")
    """The run's directory: data, checkpoints, verdict.json and report.html."""
    trial: bool = False
    """Go through all of it in minutes on a processor: a small copy, Python's own text, random weights to beat."""
    recipe: str = "gpt2_124m"
    """A recipe in the package, or the path of a .toml file."""
    data_set: Literal["fineweb", "fineweb-edu", "climbmix"] = "fineweb"
    """Whose public token shards are trained on; climbmix is CC BY-NC 4.0, which is not for commercial use."""
    data: Path | None = None
    """Where these shards are, or are fetched to; by default in the run's directory."""
    shards_per_group: int | None = 5
    """Shards that are shuffled together and trained on while the next ones are fetched; none: all of them together."""
    hellaswag: str | None = None
    """A file of HellaSwag's items, where the Hub cannot be reached."""
    lambada: str | None = None
    """A file of LAMBADA's passages, where the Hub cannot be reached."""
    price_per_hour: float | None = None
    """What the whole machine costs in an hour."""
    currency: str = DEFAULT_CURRENCY
    """Of the price."""
    network_megabytes_per_second: float = 50.0
    """What is counted on for fetching when time and money are said, before it begins."""
    device: str = "auto"
    """auto, cuda, cuda:1, cpu or mps."""
    json: bool = False
    """Print one JSON object on standard output."""


def run(arguments: Arguments, output: Output) -> None:
    """Reproduce, and say the verdict."""
    from gpt25.recipes import ReproductionSettings, reproduce
    from gpt25.runtime import Ranks

    if arguments.price_per_hour is not None and not 0 < arguments.price_per_hour <= 1e9:
        raise ConfigurationError(
            f"--price-per-hour is {arguments.price_per_hour}; it must be above 0 and at most 1,000,000,000."
        )
    settings = ReproductionSettings(
        recipe=arguments.recipe,
        opponent=arguments.model,
        data_set=arguments.data_set,
        data=arguments.data,
        shards_per_group=arguments.shards_per_group,
        hellaswag=arguments.hellaswag,
        lambada=arguments.lambada,
        price_per_hour=arguments.price_per_hour,
        currency=arguments.currency,
        network_megabytes_per_second=arguments.network_megabytes_per_second,
        device=arguments.device,
        is_trial=arguments.trial,
    )
    try:
        verdict = reproduce(arguments.run, settings, reporter=output, ranks=Ranks.from_environment())
    except KeyboardInterrupt:  # before or after the training, which says so itself
        raise Interrupted(signal.SIGINT, "stopped; the same command goes on with what is done.") from None
    if verdict is None:
        return
    files = [arguments.run / name for name in ("verdict.json", "verdict.md", "loss.png", "report.html")]
    text = "\n".join([verdict.as_markdown(), *map(str, files)])
    output.result({"run": arguments.run, **verdict.as_json()}, text, kept=arguments.run)
