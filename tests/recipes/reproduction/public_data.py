"""What a reproduction fetches, small: shards, weights, items, and a recipe that reads one shard of them."""

from pathlib import Path

import numpy as np

from gpt25.model import GPTConfiguration, GPTModel
from gpt25.tokenizer import Tokenizer
from gpt25.weights import save_pretrained

RECIPE = """
[model]
block_size = 32
vocabulary_size = 50257
number_of_layers = 1
number_of_heads = 2
number_of_embedding_dimensions = 8

[data]
validation_tokens = 640

[batch]
tokens_per_update = 256
micro_batch_rows = 4

[optimizer]
peak_learning_rate = 0.01

[schedule]
warm_up_updates = 1

[loop]
number_of_updates = 4
validation_interval_in_updates = 2
samples_interval_in_updates = 4
checkpoint_interval_in_updates = 2
"""
PROGRAM = """
import dataclasses, sys
from gpt25.cli.main import main
from gpt25.evaluation import tasks
tasks.TASKS["fineweb"] = dataclasses.replace(tasks.TASKS["fineweb"], number_of_tokens=640)
sys.exit(main(sys.argv[1:]))
"""


def write_shard(path: Path, *, seed: int) -> None:
    header = np.zeros(256, dtype="<i4")
    header[:3] = (20240520, 1, 1500)
    ids = np.random.default_rng(seed).integers(50_256, size=1500, dtype=np.uint16)
    ids[::100] = 50_256
    path.write_bytes(header.tobytes() + ids.astype("<u2").tobytes())


def stand_in_of_the_hub(folder: Path) -> tuple[Path, Path]:
    """What the Hub holds, below a folder of its own, and a recipe."""
    import pyarrow
    import pyarrow.parquet

    root = folder / "hub"
    shards = root / "kjj0" / "fineweb10B-gpt2"
    shards.mkdir(parents=True)
    write_shard(shards / "fineweb_val_000000.bin", seed=0)
    for number in (1, 2, 3):
        write_shard(shards / f"fineweb_train_{number:06d}.bin", seed=number)
    shape = GPTConfiguration(
        block_size=64, vocabulary_size=50_257, number_of_layers=1, number_of_heads=1, number_of_embedding_dimensions=4
    )
    save_pretrained(GPTModel(shape), Tokenizer.gpt2(), root / "openai-community" / "gpt2")
    rows = {
        "hellaswag": {
            "ctx": ["A man sits down.", "The cat"] * 5,
            "endings": [["He sleeps.", "It rains.", "Two.", "None."], ["sat.", "flew.", "is.", "no."]] * 5,
            "label": ["0", "1"] * 5,
        },
        "lambada_openai": {"text": ["The last word of this passage is word"] * 6},
    }
    for owner, name, split in (("Rowan", "hellaswag", "validation"), ("EleutherAI", "lambada_openai", "test")):
        place = root / owner / name / "default" / split
        place.mkdir(parents=True)
        pyarrow.parquet.write_table(pyarrow.table(rows[name]), place / "0000.parquet")
    recipe = folder / "small.toml"
    recipe.write_text(RECIPE)
    return root, recipe
