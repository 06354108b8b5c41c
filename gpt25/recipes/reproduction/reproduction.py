"""Fetch, measure the opponent, train, score with the same words, judge: each step taken up where it was left."""

import dataclasses
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from gpt25.data import Document, open_arriving_shards
from gpt25.errors import ConfigurationError
from gpt25.model import Accounting
from gpt25.recipes.pretrain import connected, train_run
from gpt25.recipes.recipe import load_recipe
from gpt25.recipes.reporter import Reporter
from gpt25.recipes.reproduction.background_fetch import BackgroundFetch
from gpt25.recipes.reproduction.contest import (
    Discipline,
    keep_opponent,
    kept_opponent,
    kept_own,
    measure,
    read_disciplines,
)
from gpt25.recipes.reproduction.fetching import fetch, is_data_here
from gpt25.recipes.reproduction.reproduction_settings import DATA_SETS, ReproductionSettings
from gpt25.recipes.reproduction.trial import trial_configuration, trial_disciplines
from gpt25.recipes.reproduction.verdict import Verdict, judge, overall
from gpt25.recipes.reproduction.verdict_report import write_verdict
from gpt25.recipes.reproduction.what_it_takes import say_what_it_takes
from gpt25.recipes.run.run_data import number_of_public_shards
from gpt25.recipes.run.run_lock import run_lock
from gpt25.recipes.run.run_report import draw_run, end_summary
from gpt25.recipes.run.run_setup import RunSetup, join_run, set_up_run
from gpt25.records import RunDirectory, offered_command
from gpt25.runtime import Ranks, choose_device
from gpt25.storage import is_file, resolved, write_text
from gpt25.training import TrainingConfiguration, TrainingState
from gpt25.weights import load_pretrained

_BYTES_PER_TOKEN = 2
_READY = ".ready"
_POLL_SECONDS = 0.5


def reproduce(
    run_path: str | Path,
    settings: ReproductionSettings,
    *,
    reporter: Reporter,
    ranks: Ranks | None = None,
    documents: Sequence[Document] | None = None,
) -> Verdict | None:
    """Do whatever of the promise the directory does not hold yet; returns the verdict, on the first rank only.

    documents: the text of a trial; None is Python's standard library. Raises ConfigurationError where it cannot be done
    here, DataError, WeightsError, StorageError and TrainingError as their floors do, Interrupted after a signal once
    everything is saved.
    """
    ranks = ranks or Ranks()
    run = RunDirectory(run_path)
    configuration, disciplines = _configured(run, settings)
    _require_possible(settings, configuration)
    with run_lock(run, ranks), ExitStack() as stack:
        setup = arrival = None
        if ranks.is_first:
            (run.path / _READY).unlink(missing_ok=True)
            is_here = is_data_here(settings, configuration)
            say_what_it_takes(run, settings, configuration, ranks, reporter, data_is_here=is_here)
            arrival = fetch(run, settings, configuration, reporter, documents, stack, data_is_here=is_here)
            setup = set_up_run(run, configuration, reporter=reporter, open_data=open_arriving_shards)
            items = read_disciplines(disciplines)
            write_text(run.path / _READY, "")
        else:
            _wait_for(run.path / _READY)
            items = read_disciplines(disciplines)
        try:
            with connected(ranks, configuration.loop):
                setup = setup or join_run(run, open_data=open_arriving_shards)
                found = _contest(run, settings, setup, disciplines, items, ranks, reporter, arrival)
            if not ranks.is_first:
                return None
            own, opponent, state = found
            verdict = _verdict(settings, disciplines, own, opponent, state, run)
            write_verdict(run, verdict, opponent=opponent, reporter=reporter)
            return verdict
        except BaseException:
            if ranks.is_first:
                draw_run(run, reporter)
            raise


def _configured(run: RunDirectory, settings: ReproductionSettings) -> tuple[TrainingConfiguration, list[Discipline]]:
    """The recipe with its data, its device and its price, and what both models are measured by."""
    if settings.is_trial:
        configuration, disciplines = trial_configuration(run), trial_disciplines(run)
    else:
        shards = settings.data or run.path / "shards"
        recipe = load_recipe(settings.recipe)
        interval = recipe.hellaswag.interval_in_updates or max(1, recipe.loop.number_of_updates // 10)
        configuration = dataclasses.replace(
            recipe,
            data=dataclasses.replace(
                recipe.data, directory=str(shards), shards_per_group=_shards_per_group(run, settings, recipe)
            ),
            hellaswag=dataclasses.replace(recipe.hellaswag, interval_in_updates=interval, data=settings.hellaswag),
        )
        disciplines = [
            Discipline(settings.data_set, "loss", str(shards), f"validation loss on {settings.data_set}"),
            Discipline("hellaswag", "accuracy_norm", settings.hellaswag, "HellaSwag (acc_norm)"),
            Discipline("lambada", "accuracy", settings.lambada, "LAMBADA (accuracy)"),
        ]
        if settings.data_set != "fineweb":  # whose losses the recipe's track expects
            track = dataclasses.replace(configuration.track, loss_at_most=(), loss_at_least=None)
            configuration = dataclasses.replace(configuration, track=track)
    track = dataclasses.replace(configuration.track, price_per_hour=settings.price_per_hour, currency=settings.currency)
    loop = dataclasses.replace(configuration.loop, device=settings.device)
    return dataclasses.replace(configuration, track=track, loop=loop), disciplines


def _shards_per_group(run: RunDirectory, settings: ReproductionSettings, recipe: TrainingConfiguration) -> int | None:
    """What is asked for in so many words; else what the run began with, what the recipe says, or the usual number."""
    usual = ReproductionSettings().shards_per_group
    if settings.shards_per_group != usual:
        return settings.shards_per_group
    if is_file(run.recipe_path):
        return load_recipe(run.recipe_path).data.shards_per_group
    return recipe.data.shards_per_group or usual


def _require_possible(settings: ReproductionSettings, configuration: TrainingConfiguration) -> None:
    """Refuse what would take a processor weeks, unless it is asked for in so many words."""
    if settings.is_trial or settings.device != "auto" or choose_device("auto").type == "cuda":
        return
    operations = Accounting(configuration.model).training_operations_per_token * configuration.total_tokens
    days = operations / 1e12 / 86_400  # at 1 TFLOP/s, which few processors reach
    raise ConfigurationError(
        f"there is no CUDA GPU here, and {configuration.total_tokens:,} tokens would take a processor some {days:,.0f} "
        "days. --trial goes through all of it in minutes with a small copy; --device cpu insists."
    )


def _wait_for(path: Path) -> None:
    """Return when the first rank has everything ready; where it ends instead, torchrun ends this process too."""
    while not is_file(path):
        time.sleep(_POLL_SECONDS)


def _contest(
    run: RunDirectory,
    settings: ReproductionSettings,
    setup: RunSetup,
    disciplines: Sequence[Discipline],
    items: Sequence[Any],
    ranks: Ranks,
    reporter: Reporter,
    arrival: BackgroundFetch | None,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], TrainingState]:
    """The opponent measured, the model trained and measured; all ranks together. Both results, and the end's state."""
    device = ranks.device_for(choose_device(setup.configuration.loop.device))
    word = str(run.path / "trial" / "opponent") if settings.is_trial else settings.opponent
    titles = [each.title for each in disciplines]
    opponent = kept_opponent(run, items, name=settings.opponent_name)
    is_new = ranks.agree(opponent is None, device=device)
    if ranks.is_first:  # nobody waits for it any more, and the next start must wait anew
        (run.path / _READY).unlink(missing_ok=True)
    if is_new:
        model, tokenizer = load_pretrained(word, device=device)
        opponent = measure(
            items, model, tokenizer, name=settings.opponent_name, titles=titles, ranks=ranks, reporter=reporter
        )
        if ranks.is_first:
            keep_opponent(run, opponent)
        del model
    state = train_run(run, setup, reporter=reporter, ranks=ranks, arrival=arrival)
    if ranks.is_first:
        end_summary(run, state, Accounting(setup.configuration.model))
    own = kept_own(run, state.update, items)
    if ranks.agree(own is None, device=device):
        ranks.barrier()
        model, tokenizer = load_pretrained(run.path, device=device)
        name = resolved(run.path).name
        own = measure(items, model, tokenizer, name=name, titles=titles, ranks=ranks, reporter=reporter)
        if ranks.is_first:
            for each in own:
                run.write_evaluation({**each, "update": state.update, "tokens": state.tokens})
    assert own is not None
    assert opponent is not None
    return own, opponent, state


def _verdict(
    settings: ReproductionSettings,
    disciplines: Sequence[Discipline],
    own: Sequence[dict[str, Any]],
    opponent: Sequence[dict[str, Any]],
    state: TrainingState,
    run: RunDirectory,
) -> Verdict:
    figures = judge(disciplines, own, opponent)
    hours = state.elapsed_seconds / 3600
    return Verdict(
        verdict=overall(figures),
        figures=figures,
        opponent=settings.opponent_name,
        is_trial=settings.is_trial,
        tokens=state.tokens,
        hours=hours,
        money=None if settings.price_per_hour is None else hours * settings.price_per_hour,
        currency=settings.currency,
        commands=_commands(settings, run),
    )


def _commands(settings: ReproductionSettings, run: RunDirectory) -> list[str]:
    """What repeats it, at once and by hand."""
    as_it_is = ReproductionSettings()
    flags = ("price_per_hour", "currency", "data", "hellaswag", "lambada", "device")
    given = [
        word
        for name in flags
        if getattr(settings, name) != getattr(as_it_is, name)
        for word in (f"--{name.replace('_', '-')}", str(getattr(settings, name)))
    ]
    if settings.is_trial:
        return [offered_command("gpt25", "reproduce", "--trial", "--run", run.path, *given)]
    shards = settings.data or run.path / "shards"
    number = str(number_of_public_shards(load_recipe(settings.recipe)))
    per_group = load_recipe(run.recipe_path).data.shards_per_group
    groups = [] if per_group is None else ["--data.shards-per-group", str(per_group)]
    if per_group != as_it_is.shards_per_group:
        given += ["--shards-per-group", "none" if per_group is None else str(per_group)]
    against = ["--against", settings.opponent]
    words = ["--recipe", settings.recipe, "--data-set", settings.data_set, *given]
    return [
        offered_command("gpt25", "reproduce", settings.opponent, "--run", run.path, *words),
        offered_command("gpt25", "data", "fetch", DATA_SETS[settings.data_set], "--output", shards, "--shards", number),
        offered_command("gpt25", "train", settings.recipe, "--data.directory", shards, *groups, "--run", run.path),
        offered_command("gpt25", "evaluate", run.path, "--task", settings.data_set, "--data", shards, *against),
        offered_command("gpt25", "evaluate", run.path, "--tasks", "hellaswag", "lambada", *against),
    ]
