"""What two models are measured by, with the same code and the same items."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpt25.evaluation import Examples, ScoringSettings, Task, find_task, read_examples, score
from gpt25.evaluation.kept_items import fingerprint_of
from gpt25.evaluation.scored_task import scored_task
from gpt25.model import GPTModel
from gpt25.recipes.reporter import Reporter
from gpt25.records import RunDirectory
from gpt25.runtime import Ranks
from gpt25.storage import is_file, read_json, write_json
from gpt25.tokenizer import Tokenizer


@dataclass(frozen=True)
class Discipline:
    """One task, and the figure of it that the verdict rests on."""

    task: str
    metric: str
    data: str | None = None
    """The file or directory of its items; None fetches them from the Hub."""
    name: str = ""
    """What the verdict calls it; the task and the metric where it is empty."""

    @property
    def title(self) -> str:
        """The name, in words."""
        return self.name or f"{self.task}, {self.metric}"


def read_disciplines(disciplines: Sequence[Discipline]) -> list[tuple[Task, Examples]]:
    """The items of all disciplines, fetched where they are not at hand; raises DataError as `read_examples` does."""
    return [(find_task(each.task), read_examples(find_task(each.task), each.data)) for each in disciplines]


def measure(
    items: Sequence[tuple[Task, Examples]],
    model: GPTModel,
    tokenizer: Tokenizer | None,
    *,
    name: str,
    titles: Sequence[str],
    ranks: Ranks,
    reporter: Reporter,
) -> list[dict[str, Any]]:
    """Score a model on every task; all ranks together, and each gets the same figures. titles: of the disciplines."""
    results = []
    for (task, examples), title in zip(items, titles, strict=True):
        if ranks.is_first:
            reporter.say(f"scoring {name}: {title}")
        found = score(
            task,
            examples,
            model,
            tokenizer,
            settings=ScoringSettings(),
            ranks=ranks,
            open_progress=reporter.progress if ranks.is_first else None,
        )
        results.append(scored_task(task, examples, found, model=name, title=task.title, limit=None))
    return results


def opponent_path(run: RunDirectory) -> Path:
    """Where the opponent's figures are kept, beside the run's own."""
    return run.path / "opponent.json"


def kept_opponent(
    run: RunDirectory, items: Sequence[tuple[Task, Examples]], *, name: str
) -> list[dict[str, Any]] | None:
    """The figures of the opponent of that name where all of them were measured before; None otherwise."""
    results = _kept_results(run, name)
    return None if results is None else _whole_results(results, items)


def is_kept(run: RunDirectory, name: str) -> bool:
    """Whether there are figures of the opponent of that name, of whatever items."""
    return _kept_results(run, name) is not None


def _kept_results(run: RunDirectory, name: str) -> list[dict[str, Any]] | None:
    path = opponent_path(run)
    if not is_file(path):
        return None
    content = read_json(path)
    results = content.get("results") if isinstance(content, dict) else None
    if not isinstance(results, list) or any(each.get("model") != name for each in results):
        return None
    return results


def keep_opponent(run: RunDirectory, results: Sequence[dict[str, Any]]) -> None:
    """Write the opponent's figures down, in the form that `gpt25 compare --evaluations` reads."""
    write_json(opponent_path(run), {"model": results[0]["model"], "results": list(results)})


def kept_own(run: RunDirectory, update: int, items: Sequence[tuple[Task, Examples]]) -> list[dict[str, Any]] | None:
    """The run's own figures at an update where all of them were measured before; None otherwise."""
    return _whole_results([each for each in run.evaluations() if each.get("update") == update], items)


def _whole_results(
    results: Sequence[dict[str, Any]], items: Sequence[tuple[Task, Examples]]
) -> list[dict[str, Any]] | None:
    """For each task the result of all these very items in float32; None where one of them is missing."""
    found = []
    for task, examples in items:
        read = {"task": task.name, "data_sha256": fingerprint_of(examples), "limit": None}
        if read["data_sha256"] is None:
            read["data"] = examples.source  # token shards, which are files
        fitting = (
            each
            for each in results
            if each.get("precision", "float32") == "float32" and all(each.get(name) == read[name] for name in read)
        )
        found.append(next(fitting, None))
    return [each for each in found if each is not None] if None not in found else None
