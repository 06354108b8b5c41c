"""The types of fields in files of ours that say more than int, float and str. `record_from` holds content to them."""

from typing import Annotated

from msgspec import Meta

Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
"""How many there are of something: what fits the 64 bits of every other program, too."""

Amount = Annotated[float, Meta(ge=0)]
"""A measured size or duration."""

Fraction = Annotated[float, Meta(ge=0, le=1)]
"""A share of something."""

Units = Annotated[int, Meta(ge=1, le=10**8)]
"""Items of a set, which take 16 bytes each in memory as soon as a file says that there are so many."""

Contribution = Annotated[float, Meta(ge=-1e15, le=1e15)]
"""What one unit adds to a figure: its square can be summed."""

PLAIN_NAME_PATTERN = r"\A(?!\.{1,2}\Z)[^/\\\x00-\x1f]{1,255}\Z"
PlainName = Annotated[str, Meta(pattern=PLAIN_NAME_PATTERN)]
"""The name of a file beside the one that names it: no folder, nothing that leads elsewhere."""

SHA256_PATTERN = r"\A[0-9a-f]{64}\Z"
Sha256 = Annotated[str, Meta(pattern=SHA256_PATTERN)]
"""A SHA-256 in hexadecimal."""
