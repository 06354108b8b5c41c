"""A MODEL argument into the directory that holds the model."""

import difflib
import re
from dataclasses import dataclass
from pathlib import Path

from gpt25.errors import WeightsError
from gpt25.model import PUBLISHED_CONFIGURATIONS
from gpt25.records import RunDirectory, no_such_directory, split_model_argument
from gpt25.records.model_argument import neighbours
from gpt25.storage import MANIFEST_NAME, entries, exists, is_directory, is_file, matching, verify_manifest
from gpt25.weights.hub import download_model
from gpt25.weights.openai.openai_release import CONFIG_NAME, HPARAMS_NAME, is_openai_release
from gpt25.weights.stored_weights import HOW_TO_GET_SAFETENSORS, PICKLE_SUFFIXES

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
_ACCEPTED = (
    f"A model is one of {', '.join(PUBLISHED_CONFIGURATIONS)}, a Hub id owner/name, a Hugging Face directory "
    "(with config.json), OpenAI's own release (with hparams.json) or a run directory."
)


def resolve_model(model: str | Path, *, checkpoint: str = "newest", revision: str | None = None) -> Path:
    """Find the directory that a MODEL argument names: resolve_model("runs/first", checkpoint="best") -> its checkpoint.

    A directory that is there comes first, then the four size names (openai-community/NAME on the Hub), then Hub ids.
    Behind an "@" the argument itself may say which one: "runs/first@best" or "runs/first@500" is a run's checkpoint,
    "gpt2@COMMIT" or "owner/name@BRANCH" a repository's revision. A directory whose own name has an "@" is itself.
    checkpoint: which one of a run: "newest", "best" or the number of an update. revision: of a Hub repository only.
    A checkpoint is verified file by file against its manifest. Raises WeightsError, StorageError, CorruptFileError or
    ConfigurationError with advice.
    """
    found = _locate(model, checkpoint, revision)
    if found.repository is None:
        return _local(found.path, found.checkpoint)
    try:
        return download_model(found.repository, revision=found.revision)
    except WeightsError as problem:
        if str(found.path) in PUBLISHED_CONFIGURATIONS:
            raise
        raise WeightsError(f"there is no directory {found.path} here, and {problem}") from problem


def require_model(model: str | Path, *, checkpoint: str = "newest", revision: str | None = None) -> None:
    """Raise what `resolve_model` would raise, as far as it can be known without the network and without reading files.

    Before much is imported or prepared, so that a word that means nothing is refused at once.
    """
    _locate(model, checkpoint, revision)


@dataclass(frozen=True)
class _Located:
    """What a MODEL argument means: a directory here, or else a repository on the Hub."""

    path: Path
    checkpoint: str
    repository: str | None = None
    revision: str | None = None


def _locate(model: str | Path, checkpoint: str, revision: str | None) -> _Located:
    if not str(model):
        raise WeightsError(f"the name of the model is empty. {_ACCEPTED}")
    model, checkpoint, revision = _split_choice(model, checkpoint, revision)
    path = Path(model)
    is_size = isinstance(model, str) and model in PUBLISHED_CONFIGURATIONS
    if is_directory(path) and _is_model_or_run(path):
        if revision is not None:
            raise WeightsError(
                f"revision {revision!r} can only be chosen of a Hub repository; {model} is a directory here."
            )
        return _Located(path, checkpoint)
    if exists(path) and not is_size:
        raise WeightsError(_not_a_model(path))
    repository = f"openai-community/{model}" if is_size else str(model)
    is_hub_id = isinstance(model, str) and _HUB_ID.fullmatch(repository)
    if not is_hub_id or (not is_size and _is_surely_here(path, revision)):
        raise WeightsError(_unknown(model))
    if checkpoint != "newest":
        raise WeightsError(f"checkpoint {checkpoint!r} can only be chosen of a run; {model} is a model on the Hub.")
    return _Located(path, checkpoint, repository, revision)


def _is_surely_here(path: Path, revision: str | None) -> bool:
    """Whether "runs/nope" is no Hub id: other runs or models lie beside it. A revision says that it is one."""
    return revision is None and bool(neighbours(path, is_one=_is_model_or_run))


def _split_choice(model: str | Path, checkpoint: str, revision: str | None) -> tuple[str | Path, str, str | None]:
    """The argument without what its "@" chooses, which becomes the checkpoint of a path or the revision of an id."""
    name, which = split_model_argument(str(model))
    if isinstance(model, Path) or which is None:
        return model, checkpoint, revision
    if not (name and which):
        raise WeightsError(f"{model!r} names no model: write RUN@500, RUN@best or OWNER/NAME@REVISION.")
    if checkpoint != "newest" or revision is not None:
        given = f"checkpoint {checkpoint!r}" if revision is None else f"revision {revision!r}"
        raise WeightsError(f"{model!r} says which one, and so does {given}; give one of them.")
    path = Path(name)
    here = _is_model_or_run(path) or (exists(path) and name not in PUBLISHED_CONFIGURATIONS)
    return (name, which, None) if here else (name, checkpoint, which)


def _is_model(directory: Path) -> bool:
    return is_file(directory / CONFIG_NAME) or is_openai_release(directory)


def _is_model_or_run(directory: Path) -> bool:
    return _is_model(directory) or RunDirectory.is_run(directory)


def _local(directory: Path, checkpoint: str) -> Path:
    """A run's checkpoint, or the directory itself."""
    if not _is_model(directory):
        return RunDirectory(directory).find_checkpoint(checkpoint)
    if checkpoint != "newest":
        raise WeightsError(f"checkpoint {checkpoint!r} can only be chosen of a run; {directory} is one model.")
    if is_file(directory / MANIFEST_NAME):
        verify_manifest(directory)
    return directory


def _not_a_model(path: Path) -> str:
    """What to say of a path that is there and yet no model."""
    if path.suffix in PICKLE_SUFFIXES:
        return f"{path} is a pickle. {HOW_TO_GET_SAFETENSORS}."
    if is_directory(path):
        pickles = sorted(entry.name for entry in entries(path) if entry.suffix in PICKLE_SUFFIXES)
        hint = f" {pickles[0]} in it stays shut: {HOW_TO_GET_SAFETENSORS}." if pickles else ""
        if matching(path, "*.ckpt.index"):
            hint = (
                f" It holds model.ckpt.index and no {HPARAMS_NAME}, which OpenAI's release has as well: fetch it too."
            )
        return f"{path} holds neither config.json nor a run.{hint} {_ACCEPTED}"
    return f"{path} is a file; give the directory that holds it beside config.json. {_ACCEPTED}"


def _unknown(model: str | Path) -> str:
    """What to say of a word that means neither a directory nor a model on the Hub."""
    near = difflib.get_close_matches(str(model), PUBLISHED_CONFIGURATIONS, n=1)
    if near and isinstance(model, str):
        return f"there is no model {model!r}. Did you mean {near[0]}? {_ACCEPTED}"
    missing = no_such_directory(model, is_one=_is_model_or_run)
    if isinstance(model, str) and _HUB_ID.fullmatch(model):
        return f"{missing} If {model} is a Hub id, write {model}@main."
    return f"{missing} {_ACCEPTED}"
