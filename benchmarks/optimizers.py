"""Muon against AdamW on the quickstart's corpus at equal wall-clock, each at its own best rate.

    python benchmarks/optimizers.py --work /tmp/optimizers            # about 25 minutes on two cores

Both train the quickstart's model on its corpus with its batches, for --minutes at each of their rates; a rate that is
best in a short run is too hot in a long one, so the search is at full length. Then Muon, at its best rate, trains with
its own whole schedule in fractions of that time: the smallest fraction whose final loss is AdamW's, or lower,
is the answer. Probes at the beginning fix the numbers of updates, so that a noisy neighbour changes no loss; the
optimizers take turns, and each one's fastest counts, for a neighbour only ever adds.
"""

import argparse
import dataclasses
import math
import tempfile
from pathlib import Path

from gpt25.data import PreparedData, open_shards, prepare, standard_library_documents
from gpt25.recipes import load_recipe, with_length
from gpt25.recipes.quickstart import VALIDATION_FRACTION
from gpt25.recipes.run.vocabulary import learn_vocabulary
from gpt25.records import RunDirectory
from gpt25.runtime import use_fast_allocator
from gpt25.training import Trainer, TrainingConfiguration, seconds_per_update

_PROBES = 4


def prepared_corpus(directory: Path, vocabulary_size: int) -> PreparedData:
    """The quickstart's corpus as shards, made once."""
    corpus = list(standard_library_documents())
    tokenizer = learn_vocabulary(corpus, vocabulary_size=vocabulary_size, validation_fraction=VALIDATION_FRACTION)
    return prepare(corpus, tokenizer, directory / f"data-{vocabulary_size}", validation_fraction=VALIDATION_FRACTION)


def variant(recipe: TrainingConfiguration, optimizer: str, rate: float) -> TrainingConfiguration:
    """The recipe with one optimizer: `rate` is AdamW's own, or Muon's with the recipe's AdamW rate beside it."""
    rates = {"peak_learning_rate": rate} if optimizer == "adamw" else {"muon_peak_learning_rate": rate}
    settings = dataclasses.replace(recipe.optimizer, name=optimizer, **rates)
    if optimizer == "adamw":  # its usual companions: GPT-3's decay and clipping
        settings = dataclasses.replace(settings, weight_decay=0.1, clip_gradient_norm=1.0)
    return dataclasses.replace(recipe, optimizer=settings)


class Comparison:
    """Runs variants of one recipe and prints a line for each."""

    def __init__(self, work: Path) -> None:
        self.work = work
        self.recipe = load_recipe("quickstart")
        self.data = prepared_corpus(work, self.recipe.model.vocabulary_size)
        self.shards = {split: open_shards(self.data.directory, split) for split in ("train", "validation")}
        self.bits_per_nat = self.data.validation.tokens / self.data.validation.bytes / math.log(2)
        turns = [{optimizer: self._probe(optimizer) for optimizer in ("adamw", "muon")} for _ in range(_PROBES)]
        self.seconds = {optimizer: min(turn[optimizer] for turn in turns) for optimizer in turns[0]}

    def _probe(self, optimizer: str) -> float:
        return seconds_per_update(
            variant(self.recipe, optimizer, 1e-3),
            run=RunDirectory(self.work / "probe"),
            train_shards=self.shards["train"],
            validation_shards=self.shards["validation"],
        )

    def train(self, optimizer: str, rate: float, minutes: float) -> float:
        """Final validation loss of one run over all held-out tokens; prints its line."""
        updates = max(10, round(minutes * 60 / self.seconds[optimizer]))
        configuration = with_length(variant(self.recipe, optimizer, rate), updates)
        never = dataclasses.replace(
            configuration.loop,
            validation_interval_in_updates=updates,
            samples_interval_in_updates=updates,
            checkpoint_interval_in_updates=updates,
        )
        everything = dataclasses.replace(configuration.data, validation_tokens=self.data.validation.tokens)
        configuration = dataclasses.replace(configuration, loop=never, data=everything)
        with tempfile.TemporaryDirectory(dir=self.work) as directory:
            trainer = Trainer(
                configuration,
                run=RunDirectory(directory),
                train_shards=self.shards["train"],
                validation_shards=self.shards["validation"],
            )
            state = trainer.train()
        loss = state.metrics["validation_loss"]
        assert loss is not None
        print(
            f"{optimizer:6} rate {rate:<8g} {minutes:5.2f} min planned, {updates:6,} updates, "
            f"{state.tokens:10,} tokens: {loss:.4f} nats per token, {loss * self.bits_per_nat:.4f} bits per byte",
            flush=True,
        )
        return loss

    def best(self, optimizer: str, rates: list[float], minutes: float) -> tuple[float, float]:
        """The lowest final loss in nats per token, and its rate."""
        return min((self.train(optimizer, rate, minutes), rate) for rate in rates)


def main() -> None:
    """Read the arguments, search, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "gpt25-optimizers")
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--adamw-rates", type=float, nargs="+", default=[1.5e-3, 3e-3, 6e-3])
    parser.add_argument("--muon-rates", type=float, nargs="+", default=[6e-3, 1.2e-2])
    parser.add_argument("--fractions", type=float, nargs="+", default=[0.4])
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    use_fast_allocator()
    comparison = Comparison(arguments.work)
    print(", ".join(f"{name}: {seconds * 1000:.0f} ms an update" for name, seconds in comparison.seconds.items()))
    target, _ = comparison.best("adamw", arguments.adamw_rates, arguments.minutes)
    full, muon_rate = comparison.best("muon", arguments.muon_rates, arguments.minutes)
    print(f"at equal time, Muon ends {target - full:+.4f} nats per token below AdamW")
    for fraction in sorted(arguments.fractions):
        reached = comparison.train("muon", muon_rate, fraction * arguments.minutes)
        print(f"in {fraction:.0%} of AdamW's time, Muon ends {target - reached:+.4f} nats per token below it")


if __name__ == "__main__":
    main()
