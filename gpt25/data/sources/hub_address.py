"""Where a data set's files lie on the Hugging Face Hub: hf://datasets/OWNER/NAME[@REVISION]/PATH, or a short name."""

import re
from dataclasses import dataclass

from gpt25.errors import DataError

_ADDRESS = re.compile(r"hf://datasets/([^/@\s]+/[^/@\s]+)(?:@([^/\s]+))?/(\S+)")

# The samples of ten billion tokens that llm.c (FineWeb) and build-nanogpt (FineWeb-Edu) trained on.
NAMED_SETS = {
    "fineweb": "hf://datasets/HuggingFaceFW/fineweb/sample/10BT/*.parquet",
    "fineweb-edu": "hf://datasets/HuggingFaceFW/fineweb-edu/sample/10BT/*.parquet",
}
# Both hold out their first shard of 10**8 tokens, and OpenAI's published losses are measured on its beginning.
NAMED_SETS_VALIDATION_TOKENS = 100_000_000


@dataclass(frozen=True)
class HubAddress:
    """A data set "owner/name", a branch, tag or commit, and a file, folder or glob in it."""

    repository: str
    revision: str
    path: str

    @classmethod
    def parse(cls, argument: str) -> "HubAddress | None":
        """Read an address or one of NAMED_SETS; None for what is neither, DataError for a broken address."""
        argument = NAMED_SETS.get(argument, argument)
        if not argument.startswith("hf://"):
            return None
        match = _ADDRESS.fullmatch(argument)
        if match is None:
            raise DataError(
                f"{argument} is no address of files on the Hub; one has the form hf://datasets/OWNER/NAME/PATH, or "
                "OWNER/NAME@REVISION, and may end in a glob such as *.parquet"
            )
        return cls(match[1], (match[2] or "main").replace("%2F", "/"), match[3].rstrip("/"))
