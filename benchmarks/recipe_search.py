"""Which changes bring a small GPT-2 furthest in half the tokens of the AdamW baseline, on real text.

    gpt25 tokenizer train TEXTS --vocabulary-size 4096 --output tokenizer
    gpt25 data prepare TEXTS --tokenizer tokenizer --output data
    python benchmarks/recipe_search.py --data data --output search.jsonl       # hours; as often and as many as you like

The plan, recipe_search.toml unless --plan names another, lists the runs. Each becomes a line of the output; a run whose
line is there already is not done again, and several processes that share the output do each run once, so the search
goes on after an interruption and uses as many cores as processes are started. The table at the end says for every run
how far it ends from the best baseline of as many tokens as the reference, and in which fraction of the tokens the
baseline would have reached its loss, by a line through the baseline's own runs of several lengths in log-log.
"""

import argparse
import contextlib
import fcntl
import itertools
import math
import statistics
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from small_copies import Shape, append_line, fingerprint, read_lines, small_copy, train

from gpt25.data import PreparedData, read_prepared_data
from gpt25.runtime import use_fast_allocator

_PLAN = Path(__file__).with_suffix(".toml")


def planned(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every run of the plan: the defaults with the entry's own values, once a seed."""
    defaults = plan["defaults"]
    for entry in plan["run"]:
        changes = {**defaults.get("changes", {}).get(entry["recipe"], {}), **entry.get("changes", {})}
        for seed in entry.get("seeds", defaults["seeds"]):
            yield {**defaults, **entry, "changes": {**changes, "loop.seed": seed}}


@contextlib.contextmanager
def claimed(output: Path, key: str) -> Iterator[bool]:
    """Whether this process alone has the run for now; a process that dies lets it go."""
    directory = output.with_suffix(".claims")
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / key).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def search(plan_path: Path, data: PreparedData, output: Path) -> None:
    """Do what is planned and not done yet; the plan is read anew after every run, so that it may grow meanwhile."""
    while any(_do_first_open(run, data, output) for run in planned(tomllib.loads(plan_path.read_text()))):
        pass


def _do_first_open(run: dict[str, Any], data: PreparedData, output: Path) -> bool:
    """Do this run if nobody has done it or does it; says whether it was done here."""
    shape, per_update = Shape.of(run["shape"]), run["tokens_per_update"]
    configuration = small_copy(
        run["recipe"], shape, data, tokens=run["tokens"], tokens_per_update=per_update, changes=run["changes"]
    )
    key = fingerprint(configuration, data)
    with claimed(output, key) as mine:
        if not mine or any(row["key"] == key for row in read_lines(output)):
            return False
        row = {"key": key, "name": run["name"], "recipe": run["recipe"], "shape": str(shape), "changes": run["changes"]}
        row |= train(configuration, data)
        append_line(output, row)
    loss = "diverged" if row["loss"] is None else f"{row['loss']:.4f}"
    print(f"{row['date']}  {row['shape']:>6} {row['tokens']:>11,} tokens  {loss}  {row['name']}", flush=True)
    return True


def table(rows: list[dict[str, Any]]) -> Iterator[str]:
    """One line for each set of seeds, best first; a section for each shape."""
    by_shape = defaultdict(list)
    for row in rows:
        if row["loss"] is not None:
            by_shape[row["shape"]].append(row)
    for shape, of_shape in by_shape.items():
        line = _baseline_line([row for row in of_shape if row["recipe"] == "gpt2_124m_adamw"])
        groups = defaultdict(list)
        for row in of_shape:
            groups[row["recipe"], row["name"], row["tokens"]].append(row)
        yield f"\n{shape}: nats per token (sigma over seeds), bits per byte, tokens, part of what the baseline needs"
        for (_, name, tokens), group in sorted(groups.items(), key=lambda item: _mean(item[1], "loss")):
            loss, bits = _mean(group, "loss"), _mean(group, "bits_per_byte")
            sigma = f"{statistics.stdev(row['loss'] for row in group):.4f}" if len(group) > 1 else "one   "
            fraction = f"{tokens / line(loss):5.2f}" if line else "    -"
            yield f"{loss:.4f} ({sigma} of {len(group)})  {bits:.4f}  {tokens:>11,}  {fraction}  {name}"


def _mean(rows: list[dict[str, Any]], key: str) -> float:
    return statistics.fmean(row[key] for row in rows)


def _baseline_line(rows: list[dict[str, Any]]) -> Any:
    """Tokens that the baseline needs for a loss: a power law between its best runs of each length, and beyond them."""
    best: dict[int, float] = {}
    for row in rows:
        best[row["tokens"]] = min(row["loss"], best.get(row["tokens"], math.inf))
    points = sorted(best.items())
    if len(points) < 2:
        return None

    def tokens_for(loss: float) -> float:
        pairs = list(itertools.pairwise(points))
        (early, high), (late, low) = next((pair for pair in pairs if loss >= pair[1][1]), pairs[-1])
        slope = math.log(late / early) / math.log(low / high)
        return early * (loss / high) ** slope

    return tokens_for


def main() -> None:
    """Read the arguments, search, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="token shards of `gpt25 data prepare`")
    parser.add_argument("--output", type=Path, required=True, help="JSON lines, one a run; goes on where it ends")
    parser.add_argument("--plan", type=Path, default=_PLAN)
    parser.add_argument("--threads", type=int, default=1, help="of this process")
    parser.add_argument("--table", action="store_true", help="only print the table of what is there")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    use_fast_allocator()
    if not arguments.table:
        search(arguments.plan, read_prepared_data(arguments.data), arguments.output)
    print("\n".join(table(read_lines(arguments.output))))


if __name__ == "__main__":
    main()
