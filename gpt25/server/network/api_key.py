"""The key, and whether a request brings it."""

import base64
import binascii
import hashlib
import hmac


class APIKey:
    """Compares in a time that says nothing about the key. It is kept as its hash only."""

    def __init__(self, key: str) -> None:
        self._hash = _hashed(key.encode())

    def is_in(self, authorization: bytes) -> bool:
        """Whether the header is "Bearer KEY", or "Basic" with the key as password, which browsers ask for."""
        scheme, _, rest = authorization.strip().partition(b" ")
        given = rest.strip()
        if scheme.lower() == b"basic":
            try:
                given = base64.b64decode(given, validate=True).partition(b":")[2]
            except binascii.Error:
                given = b""
        elif scheme.lower() != b"bearer":
            given = b""
        return hmac.compare_digest(_hashed(given), self._hash)


def _hashed(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()
