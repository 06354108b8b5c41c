"""A word that is none of a flag's choices."""

import pytest

from gpt25.cli.main import main


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("export", "x", "--output", "y", "--format", "huggingface"),
            "gpt25 export: 'huggingface' is no choice of --format; did you mean hugging-face? It is one of gguf, "
            "hugging-face.",
        ),
        (
            ("plot", "loss", "x", "--output", "y.png", "--x", "parsecs"),
            "gpt25 plot loss: 'parsecs' is no choice of --x; it is one of tokens, seconds, updates.",
        ),
    ],
)
def test_the_nearest_choice_is_offered(words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(list(words)) == 2
    assert said in capsys.readouterr().err
