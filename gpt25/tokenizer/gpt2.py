"""GPT-2's own vocabulary, shipped inside the package so that nothing has to be fetched.

The file holds one "BASE64 RANK" line per token, gzipped; LICENSE-gpt2-vocabulary.md beside it says where it is from.
"""

import binascii
import gzip
import zlib
from pathlib import Path

from gpt25.errors import CorruptFileError
from gpt25.storage import sha256_of_bytes
from gpt25.tokenizer.vocabulary import END_OF_TEXT, Vocabulary

RANKS_PATH = Path(__file__).with_name("gpt2.tiktoken.gz")
RANKS_SHA256 = "306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930"
"""Of the unpacked file; the same that tiktoken pins for its r50k_base."""

GPT2_FINGERPRINT = "0ab2242070c16a84a0058cf1bba4281c30f5d11d5363a869fa9d3742701af6f0"
"""What `Vocabulary.fingerprint` gives for this vocabulary: how a saved and reloaded copy is recognised."""


def gpt2_vocabulary() -> Vocabulary:
    """Read the 256 bytes, 50,000 merged tokens and <|endoftext|>; raises CorruptFileError if the file was damaged."""
    try:
        content = gzip.decompress(RANKS_PATH.read_bytes())
    except (OSError, EOFError, zlib.error) as problem:
        raise CorruptFileError(f"{RANKS_PATH} cannot be read: {problem}. Reinstall gpt25.") from problem
    digest = sha256_of_bytes(content)
    if digest != RANKS_SHA256:
        raise CorruptFileError(f"{RANKS_PATH} holds SHA-256 {digest}, expected {RANKS_SHA256}. Reinstall gpt25.")
    # The hash vouches for the form: line n is the token of rank and id n.
    tokens = [binascii.a2b_base64(line.partition(b" ")[0]) for line in content.splitlines()]
    ordinary = {token: rank for rank, token in enumerate(tokens)}
    return Vocabulary(ordinary=ordinary, special={END_OF_TEXT: len(ordinary)})
