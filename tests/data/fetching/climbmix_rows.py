"""A small Nemotron-ClimbMix, with a set's settings that fit it: rows lie sorted by cluster, as in the real one."""

import json
from pathlib import Path

from gpt25.tokenizer import Tokenizer

PATCH = """
import dataclasses, sys
from gpt25.data.fetching import public_sets
real = public_sets.PUBLIC_SETS["climbmix"]
public_sets.PUBLIC_SETS["climbmix"] = dataclasses.replace(
    real, tokens_per_shard=1500, rows=dataclasses.replace(real.rows, stretches_per_shard=5, bytes_per_token=20)
)
"""
PROGRAM = f"{PATCH}\nfrom gpt25.cli.main import main; sys.exit(main(sys.argv[1:]))"
CLUSTERS = 10


def row(cluster: int, number: int, *, words: int = 6) -> dict:
    """A document of one cluster, in the form of the set's rows."""
    text = f"cluster {cluster}, document {number}:" + f" word{cluster}" * words
    tokens = Tokenizer.gpt2().encode(text)
    return {"cluster_id": cluster, "tokens": tokens, "token_count": len(tokens)}


def write_parts(root: Path, *, parts: int = 2, documents: int = 100) -> Path:
    """part_0.tokenized.jsonl, … with the clusters one after the other in each; returns their folder."""
    folder = root / "nvidia" / "Nemotron-ClimbMix"
    folder.mkdir(parents=True)
    for part in range(parts):
        rows = [row(cluster, part * documents + n) for cluster in range(CLUSTERS) for n in range(documents)]
        lines = "".join(json.dumps(each) + "\n" for each in rows)
        (folder / f"part_{part}.tokenized.jsonl").write_text(lines)
    (folder / "climbmix_small").mkdir()
    (folder / "climbmix_small" / "shard_0.tokenized.parquet").write_bytes(b"not read")
    return folder
