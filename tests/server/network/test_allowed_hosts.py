"""Whose name the server answers to."""

import pytest

from gpt25.server.network.allowed_hosts import AllowedHosts

AT_HOME = AllowedHosts(["127.0.0.1", "Box"], any_address=False)
OUTSIDE = AllowedHosts(["0.0.0.0"], any_address=True)


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8000", "127.0.0.1:1", "127.0.0.2", "[::1]:80", "box:80", "BOX"]
)
def test_own_names_are_ours(host: str) -> None:
    assert AT_HOME.is_ours(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "localhost.evil.example",
        "localhost:80:80",
        "localhost:",
        "localhost/v1",
        "localhost?",
        "localhost@evil",
        " localhost",
        "10.0.0.1",
        "[::2]",
        "[::1",
        "::1",
        "2130706433",
        "x" * 100_000,
    ],
)
def test_others_are_not(host: str) -> None:
    assert not AT_HOME.is_ours(host)


def test_any_address_is_ours_where_other_machines_may_come_but_no_other_name() -> None:
    assert OUTSIDE.is_ours("10.0.0.1:8000")
    assert OUTSIDE.is_ours("[2001:db8::1]")
    assert not OUTSIDE.is_ours("evil.example")


@pytest.mark.parametrize(
    ("origin", "ours"),
    [
        ("http://localhost:8000", True),
        ("https://localhost:8000", True),
        ("HTTP://LOCALHOST:8000", True),
        ("http://localhost:8001", False),
        ("http://evil.example", False),
        ("null", False),
        ("", False),
        ("http://localhost:8000@evil.example", False),
        ("http://localhost:8000/", False),
    ],
)
def test_only_the_servers_own_pages_may_ask(origin: str, ours: bool) -> None:
    assert AT_HOME.is_from_here(origin, "localhost:8000") is ours
