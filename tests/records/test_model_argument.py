import pytest

from gpt25.records import split_model_argument


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("gpt2", ("gpt2", None)),
        ("runs/first@best", ("runs/first", "best")),
        ("owner/name@v1.0", ("owner/name", "v1.0")),
        ("a@b@500", ("a@b", "500")),
        ("runs/first@", ("runs/first", "")),
        ("@500", ("", "500")),
    ],
)
def test_splits_at_the_last_at(word, expected, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert split_model_argument(word) == expected


def test_a_path_that_is_there_stays_whole(tmp_path):
    path = tmp_path / "run@home"
    path.mkdir()
    assert split_model_argument(str(path)) == (str(path), None)
    assert split_model_argument(f"{path}@best") == (str(path), "best")
