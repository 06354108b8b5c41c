"""A MODEL word into the directory that holds the model."""

import difflib
import re
from pathlib import Path

from gpt25.errors import WeightsError
from gpt25.model import PUBLISHED_CONFIGURATIONS
from gpt25.records import RunDirectory, split_model_word
from gpt25.storage import MANIFEST_NAME, verify_manifest
from gpt25.weights.hub import download_model
from gpt25.weights.openai.openai_release import CONFIG_NAME, HPARAMS_NAME, is_openai_release
from gpt25.weights.stored_weights import HOW_TO_GET_SAFETENSORS, PICKLE_SUFFIXES

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
_ACCEPTED = (
    f"A model is one of {', '.join(PUBLISHED_CONFIGURATIONS)}, a Hub id owner/name, a Hugging Face directory "
    "(with config.json), OpenAI's own release (with hparams.json) or a run directory."
)


def resolve_model(word: str | Path, *, checkpoint: str = "newest", revision: str | None = None) -> Path:
    """Find the model directory that a word means: resolve_model("runs/first", checkpoint="best") -> its checkpoint.

    A directory that is there comes first, then the four size names (openai-community/NAME on the Hub), then Hub ids.
    Behind an "@" the word itself may say which one: "runs/first@best" or "runs/first@500" is a run's checkpoint,
    "gpt2@COMMIT" or "owner/name@BRANCH" a repository's revision. A directory whose own name has an "@" is itself.
    checkpoint: which one of a run: "newest", "best" or the number of an update. revision: of a Hub repository only.
    A checkpoint is verified file by file against its manifest. Raises WeightsError, StorageError, CorruptFileError or
    ConfigurationError with advice.
    """
    word, checkpoint, revision = _choice_in_word(word, checkpoint, revision)
    path = Path(word)
    is_size = isinstance(word, str) and word in PUBLISHED_CONFIGURATIONS
    if path.is_dir() and (_is_model(path) or RunDirectory.is_run(path)):
        if revision is not None:
            raise WeightsError(
                f"revision {revision!r} can only be chosen of a Hub repository; {word} is a directory here."
            )
        return _local(path, checkpoint)
    if path.exists() and not is_size:
        raise WeightsError(_not_a_model(path))
    repository = f"openai-community/{word}" if is_size else str(word)
    if isinstance(word, Path) or not _HUB_ID.fullmatch(repository):
        raise WeightsError(_unknown(str(word)))
    if checkpoint != "newest":
        raise WeightsError(f"checkpoint {checkpoint!r} can only be chosen of a run; {word} is a model on the Hub.")
    try:
        return download_model(repository, revision=revision)
    except WeightsError as problem:
        if is_size:
            raise
        raise WeightsError(f"{problem} There is no directory {str(word)!r} here either.") from problem


def _choice_in_word(word: str | Path, checkpoint: str, revision: str | None) -> tuple[str | Path, str, str | None]:
    """The word without what stands behind its "@", which becomes the checkpoint of a path or the revision of an id."""
    name, which = split_model_word(str(word))
    if isinstance(word, Path) or which is None:
        return word, checkpoint, revision
    if not (name and which):
        raise WeightsError(f"{word!r} names no model: write RUN@500, RUN@best or OWNER/NAME@REVISION.")
    if checkpoint != "newest" or revision is not None:
        given = f"checkpoint {checkpoint!r}" if revision is None else f"revision {revision!r}"
        raise WeightsError(f"{word!r} says which one, and so does {given}; give one of them.")
    path = Path(name)
    here = _is_model(path) or RunDirectory.is_run(path) or (path.exists() and name not in PUBLISHED_CONFIGURATIONS)
    return (name, which, None) if here else (name, checkpoint, which)


def _is_model(directory: Path) -> bool:
    return (directory / CONFIG_NAME).is_file() or is_openai_release(directory)


def _local(directory: Path, checkpoint: str) -> Path:
    """A run's checkpoint, or the directory itself."""
    if not _is_model(directory):
        return RunDirectory(directory).find_checkpoint(checkpoint)
    if checkpoint != "newest":
        raise WeightsError(f"checkpoint {checkpoint!r} can only be chosen of a run; {directory} is one model.")
    if (directory / MANIFEST_NAME).is_file():
        verify_manifest(directory)
    return directory


def _not_a_model(path: Path) -> str:
    """What to say of a path that is there and yet no model."""
    if path.suffix in PICKLE_SUFFIXES:
        return f"{path} is a pickle. {HOW_TO_GET_SAFETENSORS}."
    if path.is_dir():
        pickles = sorted(entry.name for entry in path.iterdir() if entry.suffix in PICKLE_SUFFIXES)
        hint = f" {pickles[0]} in it stays shut: {HOW_TO_GET_SAFETENSORS}." if pickles else ""
        if any(path.glob("*.ckpt.index")):
            hint = (
                f" It holds model.ckpt.index and no {HPARAMS_NAME}, which OpenAI's release has as well: fetch it too."
            )
        return f"{path} holds neither config.json nor a run.{hint} {_ACCEPTED}"
    return f"{path} is a file; give the directory that holds it beside config.json. {_ACCEPTED}"


def _unknown(word: str) -> str:
    near = difflib.get_close_matches(word, PUBLISHED_CONFIGURATIONS, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"there is no model {word!r}.{hint} {_ACCEPTED}"
