"""Every task on a tiny set with a model trained here: a figure that moves means that a scorer, a prompt, a reader or a
de-tokeniser has changed. If the change is meant, the failure shows the new figures to write down.
"""

import sys
from pathlib import Path

import pytest

from gpt25.evaluation import TASKS, Measurement, read_examples, score
from gpt25.model import GPTModel
from gpt25.tokenizer import Tokenizer

sys.path.insert(0, str(Path(__file__).parent))
import golden

sys.path.pop(0)

ONLY_WITH_TEN_MILLION_TOKENS = {"fineweb", "fineweb-edu", "climbmix"}  # the same scorer as "loss"
GOLDEN: dict[str, dict[str, float]] = {
    "loss": {"loss": 1.1506, "perplexity": 3.1599, "bits_per_byte": 0.7513},
    "openwebtext": {"loss": 1.1506, "perplexity": 3.1599, "bits_per_byte": 0.7513},
    "lambada": {
        "perplexity": 2.4977,
        "accuracy": 0.6667,
        "accuracy_last_token": 0.7917,
        "accuracy_stop_word_filter": 0.6667,
    },
    "cbt-cn": {"accuracy": 0.7},
    "cbt-ne": {"accuracy": 0.8},
    "wikitext2": {"word_perplexity": 8.5988, "token_perplexity": 3.5971, "bits_per_byte": 0.7336},
    "wikitext2-articles": {"word_perplexity": 8.5255, "token_perplexity": 3.5788, "bits_per_byte": 0.7306},
    "wikitext2-harness": {"word_perplexity": 8.9578, "byte_perplexity": 1.6893, "bits_per_byte": 0.7565},
    "siqa": {"accuracy": 0.375},
    "wikitext103": {"word_perplexity": 8.5988, "token_perplexity": 3.5971, "bits_per_byte": 0.7336},
    "ptb": {"word_perplexity": 1418.6288, "token_perplexity": 54.7221, "bits_per_byte": 2.3653},
    "1bw": {"word_perplexity": 12.8789, "token_perplexity": 5.2615, "bits_per_byte": 0.9464},
    "enwik8": {"bits_per_byte": 0.5098, "token_perplexity": 2.2527},
    "text8": {"bits_per_character": 2.4378, "token_perplexity": 51.6671},
    "hellaswag": {"accuracy": 0.7917, "accuracy_norm": 0.625},
    "hellaswag-harness": {"accuracy": 0.375, "accuracy_norm": 0.375},
    "piqa": {"accuracy": 0.875, "accuracy_norm": 0.9583},
    "arc-easy": {"accuracy": 0.875, "accuracy_norm": 0.875},
    "arc-challenge": {"accuracy": 0.75, "accuracy_norm": 0.75},
    "winogrande": {"accuracy": 0.8},
    "winograd": {"accuracy": 0.7},
    "copa": {"accuracy": 0.5},
    "boolq": {"accuracy": 0.375},
    "openbookqa": {"accuracy": 0.8333, "accuracy_norm": 0.7083},
    "commonsense-qa": {"accuracy": 0.3333},
    "blimp": {"accuracy": 1.0, "accuracy of order": 1.0, "accuracy of verbs": 1.0},
    "core": {
        "core_partial": 0.269,
        "centred copa": 0.3333,
        "centred lambada_openai": 0.4583,
        "centred winograd": 0.6,
        "centred boolq": -0.3158,
    },
}


@pytest.fixture(scope="module")
def trained() -> tuple[GPTModel, Tokenizer]:
    return golden.train()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, trained: tuple[GPTModel, Tokenizer]) -> dict[str, str]:
    return golden.write_sets(tmp_path_factory.mktemp("golden"), trained[1])


def test_every_task_has_its_golden_scores() -> None:
    assert {*GOLDEN, *ONLY_WITH_TEN_MILLION_TOKENS} == set(TASKS)


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_scores_are_what_they_were(name: str, trained: tuple[GPTModel, Tokenizer], data: dict[str, str]) -> None:
    task = TASKS[name]
    found: list[Measurement] = score(task, read_examples(task, data[name]), *trained)
    figures = {each.metric: round(each.value, 4) for each in found}
    assert figures == pytest.approx(GOLDEN[name], rel=0.01), figures
