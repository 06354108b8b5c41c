import math

import numpy as np
import pytest

from gpt25.errors import EvaluationError
from gpt25.evaluation import Measurement, difference_between
from gpt25.evaluation.scoring.measurement import Sections


def accuracy(*right: float) -> Measurement:
    return Measurement("accuracy", "", np.array(right, dtype=float), np.ones(len(right)))


def test_an_accuracy_and_its_error_are_the_samples_mean_and_error() -> None:
    right = [1, 0, 0, 1, 1, 1, 0, 1.0]
    measurement = accuracy(*right)
    assert measurement.value == pytest.approx(np.mean(right))
    assert measurement.standard_error == pytest.approx(np.std(right, ddof=1) / math.sqrt(8))


def test_a_perplexity_is_the_exponential_of_a_ratio() -> None:
    measurement = Measurement("perplexity", "", np.array([6.0, 4.0]), np.array([3.0, 2.0]), "exponential", False)
    assert measurement.value == pytest.approx(math.exp(2))
    assert measurement.standard_error == 0.0  # every window has the same loss a token
    assert Measurement("p", "", np.array([1e6]), np.array([1.0]), "exponential").value < math.inf


def test_bits_are_nats_over_the_logarithm_of_two() -> None:
    measurement = Measurement("bits", "", np.array([2 * math.log(2)]), np.array([1.0]), "bits")
    assert measurement.value == pytest.approx(2)
    assert measurement.standard_error is None


@pytest.mark.parametrize("scale", ["mean", "exponential", "bits"])
def test_the_error_is_how_far_the_figure_varies_from_sample_to_sample(scale: str) -> None:
    chance = np.random.default_rng(3)

    def draw() -> Measurement:
        tokens = chance.integers(10, 50, size=400).astype(float)
        return Measurement("loss", "", tokens * chance.normal(1.5, 0.4, size=400), tokens, scale)  # type: ignore[arg-type]

    values = [draw().value for _ in range(400)]
    assert draw().standard_error == pytest.approx(np.std(values), rel=0.2)


def test_how_far_fixed_sets_lie_apart_is_no_error() -> None:
    numerators, strata = np.array([0.0, 0.0, 1.0, 1.0]), np.array([0, 0, 1, 1])
    assert Measurement("core", "", numerators, np.ones(4), strata=strata).standard_error == 0
    assert accuracy(*numerators).standard_error == pytest.approx(0.2887, abs=1e-4)


def test_two_models_are_compared_item_by_item() -> None:
    first, second = accuracy(*[1] * 90, *[0] * 10), accuracy(*[1] * 80, *[0] * 20)
    difference = difference_between(first, second)
    assert difference.value == pytest.approx(0.1)
    assert difference.p_value == pytest.approx(2 * 0.5**10)
    assert difference.standard_error == pytest.approx(math.sqrt(0.1 * 0.9 / 99))
    assert difference.test == "McNemar, exact: 10 items right only here, 0 only there"
    assert difference.standard_error < first.standard_error


@pytest.mark.parametrize(("better", "worse", "p_value"), [(0, 0, 1.0), (5, 0, 0.0625), (8, 2, 0.109375), (7, 7, 1.0)])
def test_the_p_value_is_mcnemars_exact_one(better: int, worse: int, p_value: float) -> None:
    first = accuracy(*[1] * better, *[0] * worse, 1)
    second = accuracy(*[0] * better, *[1] * worse, 1)
    assert difference_between(first, second).p_value == pytest.approx(p_value)


def test_losses_are_compared_by_a_paired_z_test() -> None:
    chance = np.random.default_rng(1)
    hard = chance.normal(100, 20, size=200)  # windows differ far more than models do
    tokens = np.full(200, 32.0)
    first = Measurement("loss", "", hard + 0.5 + chance.normal(0, 1, 200), tokens)
    second = Measurement("loss", "", hard + chance.normal(0, 1, 200), tokens)
    difference = difference_between(first, second)
    assert difference.value == pytest.approx(0.5 / 32, rel=0.5)
    assert difference.standard_error == pytest.approx(math.sqrt(2 / 200) / 32, rel=0.2)
    assert difference.p_value < 0.001
    assert first.standard_error > 10 * difference.standard_error


def test_a_model_against_itself_differs_by_nothing() -> None:
    measurement = Measurement("loss", "", np.array([1.0, 2.0]), np.ones(2))
    difference = difference_between(measurement, measurement)
    assert (difference.value, difference.standard_error, difference.p_value) == (0, 0, None)


def test_items_that_are_not_the_same_are_compared_unpaired() -> None:
    first = Measurement("loss", "", np.array([4.0, 9.0]), np.array([2.0, 4.0]), higher_is_better=False)
    second = Measurement("loss", "", np.array([3.0, 3.0, 6.0]), np.array([2.0, 2.0, 2.0]), higher_is_better=False)
    difference = difference_between(first, second)
    assert difference.value == pytest.approx(1 / 6)
    assert difference.standard_error == pytest.approx(math.hypot(first.standard_error, second.standard_error))
    assert difference.p_value == pytest.approx(math.erfc(1 / 6 / difference.standard_error / math.sqrt(2)))
    assert difference.test == "unpaired z: the models cut the text differently"
    assert not difference.is_paired


def test_a_figure_per_token_of_other_tokens_has_no_test() -> None:
    first = Measurement("token_perplexity", "", np.array([4.0, 6.0]), np.array([2.0, 2.0]), "exponential")
    second = Measurement("token_perplexity", "", np.array([3.0, 3.0, 6.0]), np.array([2.0, 2.0, 2.0]), "exponential")
    difference = difference_between(first, second)
    assert (difference.standard_error, difference.p_value, difference.is_paired) == (None, None, False)
    assert difference.value == pytest.approx(math.exp(2.5) - math.exp(2))
    assert difference.test == (
        "none: the figure is per unit of 4 here and of 6 there (other tokens, or other parts of the text), and so no "
        "measure of both"
    )


def of_articles(nats: list[float], words: list[float], cut: int) -> Measurement:
    """A text cut into `cut` equal windows, whose loss is known by article too."""
    windows = np.full(cut, sum(words) / cut)
    sections = Sections("articles", np.array(nats), np.array(words))
    losses = np.full(cut, sum(nats) / cut)
    return Measurement("word_perplexity", "", losses, windows, "exponential", False, sections=sections)


def test_texts_that_are_cut_differently_are_paired_by_article() -> None:
    words = [10.0, 20.0, 30.0, 40.0]
    first, second = of_articles([21, 43, 64, 87.0], words, 5), of_articles([20, 40, 61, 80.0], words, 7)
    difference = difference_between(first, second)
    assert difference.is_paired
    assert difference.test == "paired z over 4 articles: the models cut the text differently"
    nats, total = [np.array([21, 43, 64, 87.0]), np.array([20, 40, 61, 80.0])], sum(words)
    pulls = [math.exp(each.sum() / total) * (each - each.sum() / total * np.array(words)) / total for each in nats]
    expected = math.sqrt(4 / 3 * np.square(pulls[0] - pulls[1]).sum())
    assert difference.standard_error == pytest.approx(expected)
    assert difference.p_value == pytest.approx(math.erfc(difference.value / expected / math.sqrt(2)))
    alone = of_articles([215.0], [100.0], 5)
    assert difference_between(alone, of_articles([201.0], [100.0], 7)).test.startswith("unpaired z")


def test_a_perplexity_has_a_bootstrap_error_beside_the_formula() -> None:
    chance = np.random.default_rng(5)
    tokens = chance.integers(10, 50, size=400).astype(float)
    nats = tokens * chance.normal(3, 0.5, size=400)
    measurement = Measurement("perplexity", "", nats, tokens, "exponential", False)
    assert measurement.bootstrap_error == pytest.approx(measurement.standard_error, rel=0.1)
    again = Measurement("perplexity", "", nats.copy(), tokens.copy(), "exponential", False)
    assert again.bootstrap_error == measurement.bootstrap_error
    draws = [math.exp(nats[picked].sum() / tokens[picked].sum()) for picked in chance.integers(400, size=(2000, 400))]
    assert measurement.bootstrap_error == pytest.approx(np.std(draws), rel=0.1)
    assert accuracy(1, 0, 1).bootstrap_error is None
    assert Measurement("perplexity", "", np.ones(1), np.ones(1), "exponential").bootstrap_error is None


def test_different_things_are_not_compared() -> None:
    with pytest.raises(EvaluationError, match="accuracy and loss are different things and cannot be compared"):
        difference_between(accuracy(1, 0), Measurement("loss", "", np.ones(2), np.ones(2)))


def test_an_empty_set_is_refused() -> None:
    with pytest.raises(EvaluationError, match="there is nothing to measure accuracy on: the set is empty"):
        accuracy()
