"""The package's own warnings are remarks of a command; others stay what they are."""

import warnings

import pytest

from gpt25.cli.captured_warnings import captured_warnings
from gpt25.cli.output import Output
from gpt25.errors import GPT25Warning


@pytest.mark.parametrize("json", [True, False])
def test_our_warnings_are_said_on_standard_error(json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    with captured_warnings(Output(json=json)):
        for _ in range(2):
            warnings.warn("two tensors were left aside", GPT25Warning, stacklevel=1)
    assert capsys.readouterr() == ("", "two tensors were left aside\n" * 2)


def test_other_warnings_pass(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.warns(UserWarning, match="of somebody else"), captured_warnings(Output()):
        warnings.warn("of somebody else", UserWarning, stacklevel=1)
    assert capsys.readouterr() == ("", "")
