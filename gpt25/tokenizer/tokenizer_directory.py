"""Where in a directory that a user names the tokenizer's files are."""

from pathlib import Path

from gpt25.errors import TokenizerError
from gpt25.storage import is_directory, matching
from gpt25.tokenizer.hugging_face_reader import has_tokenizer_files


def tokenizer_directory(directory: Path) -> Path:
    """The directory itself, its `tokenizer/` (prepared data), or a checkpoint of it (a run), whichever has the files.

    All checkpoints of one run carry the same tokenizer, so any complete one will do. Raises TokenizerError.
    """
    candidates = [directory, directory / "tokenizer", *reversed(matching(directory / "checkpoints", "update-*"))]
    for candidate in candidates:
        if has_tokenizer_files(candidate):
            return candidate
    what = "holds no tokenizer" if is_directory(directory) else "is not a directory"
    raise TokenizerError(
        f"{directory} {what}. A tokenizer is the word gpt2, or a directory with tokenizer.json (or vocab.json and "
        "merges.txt): a Hugging Face model, prepared data, a run, or what `gpt25 tokenizer train` wrote."
    )
