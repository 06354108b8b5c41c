import pytest

from gpt25.storage.hub.hub_error_message import exception_chain, hub_error_message


def named(name: str) -> Exception:
    return type(name, (Exception,), {})("details")


class Refused(Exception):
    def __init__(self, status_code: int) -> None:
        super().__init__("refused")
        self.response = type("Response", (), {"status_code": status_code})()


def test_causes_are_followed_to_the_first() -> None:
    outer, inner = ValueError("outer"), KeyError("inner")
    outer.__cause__ = inner
    assert list(exception_chain(outer)) == [outer, inner]


@pytest.mark.parametrize(
    ("problem", "reason"),
    [
        (named("RemoteEntryNotFoundError"), "the repository has no such file, so nothing can be scored"),
        (named("ConnectError"), "the Hub cannot be reached; check the connection, or set HF_HUB_OFFLINE=1"),
        (
            named("TimeoutException"),
            "the Hub did not answer in time; try again, or raise HF_HUB_ETAG_TIMEOUT and HF_HUB_D",
        ),
        (named("RemoteProtocolError"), "the connection broke off before the end of the file; try again"),
        (ConnectionResetError("by peer"), "the connection broke off before the end of the file; try again"),
        (
            OSError("Consistency check failed: 3 bytes"),
            "what arrived has not the size that the Hub announced; try again",
        ),
        (Refused(401), "access is denied (401); log in with `hf auth login` or set HF_TOKEN"),
        (Refused(503), "the Hub answered 503; try again later"),
        (RuntimeError("two\nlines"), "RuntimeError: two lines"),
    ],
    ids=str,
)
def test_a_reason_is_one_line(problem: Exception, reason: str) -> None:
    outer = RuntimeError("outer")
    outer.__cause__ = problem
    said = hub_error_message(
        outer if type(problem) not in (RuntimeError, OSError) else problem, absent_file="nothing can be scored"
    )
    assert said.startswith(reason)
    assert "\n" not in said


@pytest.mark.parametrize("quoted", ["b'Bearer any thing'", "'Bearer xyz'", "hf_AbCdEf123", "token=hf_AbC,"])
def test_a_token_is_in_no_reason(quoted: str) -> None:
    said = hub_error_message(RuntimeError(f"illegal header {quoted} here"), absent_file="x")
    assert "(a token)" in said
    assert not {"thing", "xyz", "AbC"} & {word for word in ("thing", "xyz", "AbC") if word in said}


def test_who_asks_may_know_more_than_the_status() -> None:
    own = {403: "ask the owner", "ConnectError": "far away"}
    assert hub_error_message(Refused(403), absent_file="x", own=own) == "ask the owner"
    assert hub_error_message(named("ConnectError"), absent_file="x", own=own) == "far away"
    assert hub_error_message(Refused(401), absent_file="x", own=own).startswith("access is denied (401)")
