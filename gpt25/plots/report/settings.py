"""What a report needs to know beside the runs themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gpt25.plots.measures.published_lines import DataSetName, PublishedLine
from gpt25.plots.pictures.positions import PositionsOfModel
from gpt25.plots.report.score_comparison import ScoreComparison
from gpt25.plots.report.verdict import VerdictSection


@dataclass(frozen=True)
class ReportSettings:
    """Every field is optional."""

    data_set: DataSetName | None = None
    """What the runs were trained on, where the index of their shards does not say."""
    price_per_hour: float | None = None
    """Of the whole machine; None takes what each run's recipe says."""
    currency: str | None = None
    """Of the price; None is US dollars."""
    positions: Sequence[PositionsOfModel] = ()
    """Positional embeddings to show, the runs' and OpenAI's."""
    evaluations: Sequence[dict[str, Any]] = ()
    """Of models that are no runs: what `gpt25 evaluate` found of them."""
    comparisons: Sequence[ScoreComparison] = ()
    """Scores of two models on the same items."""
    measured: Sequence[PublishedLine] = ()
    """Level lines beside the published ones: figures of another model that were measured here."""
    verdict: VerdictSection | None = None
    """Who is better, where that was the question."""
    reload_seconds: float | None = None
    """Let the page load itself anew so often, for a run that is still in training."""
