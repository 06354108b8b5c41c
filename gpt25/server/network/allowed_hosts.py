"""By which names a server may be asked for, and from which pages."""

import ipaddress
import re
from collections.abc import Iterable

_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9][a-z0-9._-]*)(?::[0-9]{1,5})?", re.ASCII)
_ORIGIN = re.compile(r"https?://(?P<host>[^/?#@]+)", re.ASCII)


class AllowedHosts:
    """Judges the headers Host and Origin, so that no page of elsewhere can use a visitor's way to the server.

    A name that an attacker lets point here (DNS rebinding) is none of ours and so refused; an address that is written
    in digits cannot be such a name.
    """

    def __init__(self, names: Iterable[str], *, any_address: bool) -> None:
        """names: that the server is called by beside localhost. any_address: whether all written in digits are too."""
        self._names = {"localhost", *(name.lower() for name in names)}
        self._any_address = any_address

    def is_ours(self, host: str) -> bool:
        """Whether the Host header names this server: is_ours("localhost:8000") -> True."""
        match = _HOST.fullmatch(host.lower())
        if match is None:
            return False
        if match["name"] in self._names:
            return True
        try:
            address = ipaddress.ip_address(match["name"].strip("[]"))
        except ValueError:
            return False
        return address.is_loopback or self._any_address

    def is_from_here(self, origin: str, host: str) -> bool:
        """Whether a page with this Origin came from the server that is asked as `host`."""
        match = _ORIGIN.fullmatch(origin.lower())
        return match is not None and match["host"] == host.lower()
