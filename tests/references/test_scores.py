import re
from pathlib import Path

import pytest

from gpt25.evaluation import TASKS
from gpt25.model import PUBLISHED_CONFIGURATIONS, Accounting
from gpt25.references.published_score import PARAMETERS
from gpt25.references.scores import PUBLISHED_SCORES, has_published_gpt2, nearest_model, scores_beside


def values(task: str, metric: str, parameters: int) -> list[float]:
    return [score.value for score in scores_beside(task, parameters) if score.metric == metric]


def test_the_sizes_are_the_models_own() -> None:
    for name, configuration in PUBLISHED_CONFIGURATIONS.items():
        assert PARAMETERS[name] == Accounting(configuration).parameters


def test_every_figure_has_a_definition_and_a_source() -> None:
    for score in PUBLISHED_SCORES:
        assert len(score.definition) > 10, score
        assert len(score.source) > 10, score
        assert score.parameters == PARAMETERS[score.model]


def test_no_figure_stands_twice() -> None:
    keys = [(score.task, score.metric, score.model, score.definition, score.source) for score in PUBLISHED_SCORES]
    assert len(keys) == len(set(keys))


def test_accuracies_are_fractions() -> None:
    assert all(0 < score.value < 1 for score in PUBLISHED_SCORES if score.metric.startswith("accuracy"))


@pytest.mark.parametrize(
    ("parameters", "name"),
    [(1, "gpt2"), (124_439_808, "gpt2"), (200_000_000, "gpt2"), (300_000_000, "gpt2-medium"), (10**12, "gpt2-xl")],
)
def test_the_nearest_size_is_by_ratio(parameters: int, name: str) -> None:
    assert nearest_model(parameters) == name


def test_figures_of_the_same_size_stand_beside_a_model() -> None:
    assert values("fineweb", "loss", PARAMETERS["gpt2"]) == [3.424958]
    assert values("fineweb", "loss", PARAMETERS["gpt2-medium"]) == [3.083089]
    assert values("hellaswag", "accuracy_norm", PARAMETERS["gpt2"]) == [0.294463, 0.2955, 0.337]
    assert values("wikitext2", "word_perplexity", PARAMETERS["gpt2-xl"]) == [18.34]
    assert values("wikitext2-harness", "word_perplexity", PARAMETERS["gpt2"]) == [37.37]
    assert values("wikitext2-articles", "word_perplexity", PARAMETERS["gpt2"]) == []
    assert scores_beside("no such task", 1) == []


def test_the_page_names_every_task_without_a_published_figure() -> None:
    page = (Path(__file__).parents[2] / "docs" / "how_to" / "evaluate.md").read_text(encoding="utf-8")
    said = " ".join(page.split()).partition("There are none for ")[2].partition("`--against gpt2`")[0]
    named = set(re.findall(r"`([\w-]+)`", said))
    assert named == {name for name in TASKS if not has_published_gpt2(name)}
    assert all(any(score.task == name for score in PUBLISHED_SCORES) for name in set(TASKS) - named)


def test_the_papers_table_is_whole() -> None:
    """Table 3 of the paper, row by row, as nine independent transcriptions have it."""
    columns = {
        ("lambada", "perplexity"): 1,
        ("lambada", "accuracy_stop_word_filter"): 100,
        ("cbt-cn", "accuracy"): 100,
        ("cbt-ne", "accuracy"): 100,
        ("wikitext2", "word_perplexity"): 1,
        ("ptb", "word_perplexity"): 1,
        ("enwik8", "bits_per_byte"): 1,
        ("text8", "bits_per_character"): 1,
        ("wikitext103", "word_perplexity"): 1,
        ("1bw", "word_perplexity"): 1,
    }
    rows = {
        "gpt2": [35.13, 45.99, 87.65, 83.4, 29.41, 65.85, 1.16, 1.17, 37.50, 75.20],
        "gpt2-medium": [15.60, 55.48, 92.35, 87.1, 22.76, 47.33, 1.01, 1.06, 26.37, 55.72],
        "gpt2-large": [10.87, 60.12, 93.45, 88.0, 19.93, 40.31, 0.97, 1.02, 22.05, 44.575],
        "gpt2-xl": [8.63, 63.24, 93.30, 89.05, 18.34, 35.76, 0.93, 0.98, 17.48, 42.16],
    }
    for model, row in rows.items():
        for ((task, metric), factor), value in zip(columns.items(), row, strict=True):
            (score,) = [
                score
                for score in PUBLISHED_SCORES
                if (score.task, score.metric, score.model) == (task, metric, model) and "Table 3" in score.source
            ]
            assert score.value * factor == pytest.approx(value)
