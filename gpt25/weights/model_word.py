"""A MODEL word that also says which of a run's checkpoints or of a repository's revisions is meant."""

import torch

from gpt25.model import GPTModel
from gpt25.tokenizer import Tokenizer
from gpt25.weights.load import load_pretrained


def load_model_word(
    word: str, *, device: str | torch.device = "cpu", dtype: torch.dtype = torch.float32
) -> tuple[GPTModel, Tokenizer | None]:
    """Load what a word means: load_model_word("runs/first@500") -> the checkpoint of update 500 of that run.

    Behind the last "@" stands newest, best or an update where a run is named, and a branch, tag or commit where a
    repository on the Hub is. A directory whose own name has an "@" is taken as it is. device and dtype: as for
    `load_pretrained`. Raises what that raises, and WeightsError for an "@" with nothing behind it.
    """
    return load_pretrained(word, device=device, dtype=dtype)
