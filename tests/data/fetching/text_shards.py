"""Shards of GPT-2's tokens with texts in them."""

from pathlib import Path

import numpy as np

from gpt25.tokenizer import Tokenizer

END = 50256


def write_shard(path: Path, texts: list[str], *, last: int | None = None) -> None:
    """A shard of texts, each behind the end-of-text token, and one id more."""
    tokenizer = Tokenizer.gpt2()
    ids = [token for text in texts for token in [END, *tokenizer.encode(text)]]
    ids += [] if last is None else [last]
    header = np.zeros(256, dtype="<i4")
    header[:3] = (20240520, 1, len(ids))
    path.write_bytes(header.tobytes() + np.array(ids, dtype="<u2").tobytes())
