"""How a server is set up, and where its bounds lie."""

import ipaddress
import re
from dataclasses import dataclass

from gpt25.errors import ConfigurationError

_SHORTEST_KEY = 16  # characters; shorter ones can be guessed at the rate at which a server answers
_KEY = re.compile("[!-~]*")  # what ASCII shows: a header carries neither line breaks nor spaces at its end
_NAME = re.compile(r"[\w.-]+")
_LARGEST_PORT = 65_535


@dataclass(frozen=True, kw_only=True)
class ServingSettings:
    """What a user chooses, and the limits that keep one client from taking what is there for all.

    Raises ConfigurationError naming the field, its value and what is allowed.
    """

    host: str = "127.0.0.1"
    """The address to listen on; others than this machine's own loopback ask for a key."""
    port: int = 8000
    """0 takes a free one."""
    api_key: str | None = None
    """What every request but those for /health must bring."""
    insecure: bool = False
    """Whether to listen to other machines without a key."""
    allowed_hosts: tuple[str, ...] = ()
    """Names under which the server is reached, beside its addresses and this machine's own name."""
    slots: int | None = None
    """Texts of one model that are written at a time; None for as many as memory allows, at most 32."""
    most_waiting: int = 256
    """Prompts that may wait for a slot; beyond that the answer is 429."""
    drain_seconds: float = 30.0
    """How long texts that are being written may go on after SIGTERM."""
    header_seconds: float = 8.0
    """How long the head of a request may take to arrive."""
    body_seconds: float = 30.0
    """How long the body may."""
    stalled_seconds: float = 30.0
    """How long a client may read nothing of what is sent to it."""
    keep_alive_seconds: float = 15.0
    """How long a connection may stay open without a request."""
    most_connections: int = 4096
    """Beyond that the answer is 503."""
    most_header_bytes: int = 16_384
    most_body_bytes: int = 4 << 20
    """A prompt of a million token ids is refused for what it is, not for its bytes."""

    def __post_init__(self) -> None:
        if not _is_host(self.host):
            raise ConfigurationError(
                f"host is {self.host!r}, which is no address of this machine; give a name or an IP address alone, "
                "such as 127.0.0.1, and the port with --port."
            )
        if isinstance(self.port, bool) or not 0 <= self.port <= _LARGEST_PORT:
            raise ConfigurationError(f"port is {self.port}; it must be from 0 (a free one) to {_LARGEST_PORT}.")
        for name in ("slots", "most_waiting"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigurationError(f"{name} is {value}; it must be at least 1.")
        if not self.drain_seconds >= 0:
            raise ConfigurationError(f"drain_seconds is {self.drain_seconds}; it must be at least 0.")
        if self.api_key is not None and not (len(self.api_key) >= _SHORTEST_KEY and _KEY.fullmatch(self.api_key)):
            raise ConfigurationError(
                f"the API key has {len(self.api_key)} characters; it must have at least {_SHORTEST_KEY}, all of them "
                "ASCII's letters, digits and signs, without spaces or line breaks. "
                'Make one with: python -c "import secrets; print(secrets.token_urlsafe())"'
            )
        if not (self.is_loopback or self.api_key is not None or self.insecure):
            raise ConfigurationError(
                f"on {self.host} other machines reach this server. Give --api-key KEY, which they then need, or "
                "--insecure if everybody may use it."
            )

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches the server."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def _is_host(word: str) -> bool:
    """Whether it has the form of a name or of an IP address, and neither a port, a path nor an http:// with it."""
    if _NAME.fullmatch(word):
        return True
    try:
        ipaddress.ip_address(word)
    except ValueError:
        return False
    return True
