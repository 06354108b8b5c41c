from pathlib import Path

import pytest

from gpt25.errors import TokenizerError
from gpt25.tokenizer import Tokenizer


@pytest.mark.parametrize("word", ["gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl"])
def test_the_published_sizes_share_one_vocabulary(word: str) -> None:
    assert Tokenizer.from_word(word) is Tokenizer.gpt2()


@pytest.mark.parametrize("place", [".", "tokenizer", "checkpoints/update-000500"])
def test_a_directory_prepared_data_or_a_run_leads_to_its_tokenizer(
    place: str, small: Tokenizer, tmp_path: Path
) -> None:
    small.save(tmp_path / place)
    assert Tokenizer.from_word(str(tmp_path)).fingerprint == small.fingerprint
    assert Tokenizer.from_word(tmp_path).fingerprint == small.fingerprint
    assert Tokenizer.is_in(tmp_path / place)


def test_the_word_wins_over_a_directory_of_that_name(
    small: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.save(tmp_path / "gpt2")
    monkeypatch.chdir(tmp_path)
    assert Tokenizer.from_word("gpt2").name == "gpt2"
    assert Tokenizer.from_word("./gpt2").fingerprint == small.fingerprint
    assert Tokenizer.from_word(Path("gpt2")).fingerprint == small.fingerprint


def test_anything_else_is_refused_with_what_is_accepted(tmp_path: Path) -> None:
    accepted = r"A tokenizer is the word gpt2, or a directory with tokenizer\.json \(or vocab\.json and merges\.txt\)"
    with pytest.raises(TokenizerError, match=rf"gpt3 is not a directory\. {accepted}"):
        Tokenizer.from_word("gpt3")
    with pytest.raises(TokenizerError, match=rf"{tmp_path} holds no tokenizer\. {accepted}"):
        Tokenizer.from_word(tmp_path)
    assert not Tokenizer.is_in(tmp_path)
