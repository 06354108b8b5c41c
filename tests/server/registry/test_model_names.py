"""A model's name is what is asked for, and nothing of where it lies."""

from pathlib import Path

import pytest

from gpt25.errors import ConfigurationError
from gpt25.server.registry.model_names import model_names


def test_a_model_is_called_by_the_last_part_of_its_word() -> None:
    assert model_names(["gpt2", "owner/name", "runs/mine@best", "/some/where/else/"]) == {
        "gpt2": "gpt2",
        "name": "owner/name",
        "mine@best": "runs/mine@best",
        "else": "/some/where/else/",
    }


def test_a_folder_without_a_name_of_its_own_is_called_by_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "inside").mkdir()
    monkeypatch.chdir(tmp_path / "inside")
    assert model_names([".", ".."]) == {"inside": ".", tmp_path.name: ".."}
    assert model_names(["/"]) == {"model": "/"}


@pytest.mark.parametrize("word", ["x\0y", "x" * 5000, "\udce9", "é"])
def test_an_odd_word_has_a_name_too(word: str) -> None:
    (name,) = model_names([word])
    assert name.isascii()


def test_a_model_can_be_given_a_name() -> None:
    assert model_names(["gpt2", "mine=runs/first@500"]) == {"gpt2": "gpt2", "mine": "runs/first@500"}


def test_a_directory_with_an_equals_sign_is_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rate=3").mkdir()
    assert model_names(["rate=3"]) == {"rate-3": "rate=3"}


def test_two_models_of_one_name_are_refused_with_the_way_out() -> None:
    with pytest.raises(ConfigurationError, match="two models would be called mine: a/mine and b/mine.*other=b/mine"):
        model_names(["a/mine", "b/mine"])


def test_no_model_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="no model to serve"):
        model_names([])
