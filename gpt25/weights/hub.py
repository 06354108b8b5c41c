"""Model directories from the Hugging Face Hub, through its own client and cache."""

import re
from pathlib import Path

from gpt25.errors import WeightsError
from gpt25.storage import resolved, sha256_of_file
from gpt25.storage.hub.hub_answer import kept_unless_hub_answers
from gpt25.storage.hub.hub_error_message import exception_chain, hub_error_message
from gpt25.storage.hub.hub_progress import limited_progress
from gpt25.weights.config_file import read_config
from gpt25.weights.model_files import OPTIONAL_NAMES
from gpt25.weights.openai.openai_release import CONFIG_NAME
from gpt25.weights.stored_weights import HOW_TO_GET_SAFETENSORS, INDEX_NAME, WEIGHTS_NAME, shard_names

_SHA256 = re.compile(r"[0-9a-f]{64}")


def download_model(repository: str, *, revision: str | None = None) -> Path:
    """Fetch a repository's model files, or find them in the cache; return the directory that holds them.

    repository: "owner/name". revision: branch, tag or commit; None is the main branch. All files are of one commit.
    What is no GPT-2 by its config.json is refused before its weights are fetched. Raises WeightsError in one line for
    whatever goes wrong, StorageError or CorruptFileError for a config.json that cannot be read. huggingface_hub's
    variables hold: HF_HOME, HF_ENDPOINT, HF_HUB_OFFLINE, HF_TOKEN and the time-outs.
    """
    directory = _directory(repository, revision)
    read_config(directory)
    commit = directory.name  # the cache keeps a commit's files in snapshots/COMMIT
    if not _fetch_if_present(repository, WEIGHTS_NAME, commit):
        if not _fetch_if_present(repository, INDEX_NAME, commit):
            raise WeightsError(f"{repository} on the Hub holds no {WEIGHTS_NAME}. {HOW_TO_GET_SAFETENSORS}.")
        for name in shard_names(directory / INDEX_NAME):
            _fetch(repository, name, commit)
    for name in OPTIONAL_NAMES:
        _fetch_if_present(repository, name, commit)
    return directory


def cached_model(repository: str) -> Path | None:
    """The directory of a repository's main branch where the cache holds its weights already; asks nobody."""
    from huggingface_hub import try_to_load_from_cache

    weights = try_to_load_from_cache(repository, WEIGHTS_NAME)
    is_complete = isinstance(try_to_load_from_cache(repository, CONFIG_NAME), str)
    return Path(weights).parent if isinstance(weights, str) and is_complete else None


def _directory(repository: str, revision: str | None) -> Path:
    """Where the cache keeps the commit that a revision now stands for, with its config.json already there.

    When the Hub does not answer as it should, what the cache has is used.
    """
    try:
        kept = kept_unless_hub_answers(repository, CONFIG_NAME, revision=revision)
    except Exception as problem:  # the client raises its own, its HTTP library's and the operating system's errors
        raise _unavailable(repository, CONFIG_NAME, revision, problem) from problem
    return (Path(_fetch(repository, CONFIG_NAME, revision)) if kept is None else kept).parent


def _fetch(repository: str, name: str, revision: str | None) -> str:
    """The path of one file in the cache, downloaded unless it is there; raises WeightsError when it cannot be had."""
    # Imported here and below because it reads its variables when it is imported, and takes a while.
    import huggingface_hub

    known = isinstance(huggingface_hub.try_to_load_from_cache(repository, name, revision=revision), str)
    try:
        path = huggingface_hub.hf_hub_download(repository, name, revision=revision, tqdm_class=limited_progress())
    except Exception as problem:
        raise _unavailable(repository, name, revision, problem) from problem
    if not known:
        _verify_sha256(Path(path), f"{name} of {repository}")
    return path


def _verify_sha256(path: Path, what: str) -> None:
    """Remove a file from the cache that is not what the Hub announced; its client looks at the size alone.

    The cache calls a file by the Hub's tag, which for large files is their SHA-256.
    """
    kept = resolved(path)
    if not _SHA256.fullmatch(kept.name):
        return
    found = sha256_of_file(kept)
    if found != kept.name:
        path.unlink()
        kept.unlink(missing_ok=True)
        raise WeightsError(
            f"{what} arrived from the Hub with SHA-256 {found[:16]}… instead of {kept.name[:16]}…, and was removed "
            "from the cache. Try again, and look for a proxy in between."
        )


def _unavailable(repository: str, name: str, revision: str | None, problem: Exception) -> WeightsError:
    where = repository if revision is None else f"{repository} at {revision}"
    reason = hub_error_message(problem, absent_file="it is no GPT-2 that can be loaded")
    return WeightsError(f"cannot get {name} of {where} from the Hub: {reason}.")


def _fetch_if_present(repository: str, name: str, commit: str) -> bool:
    """Fetch a file that a repository may lack; return whether it is there."""
    from huggingface_hub import errors, try_to_load_from_cache

    cached = try_to_load_from_cache(repository, name, revision=commit)
    if cached is not None:  # a path, or the mark that this commit has no such file
        return isinstance(cached, str)
    try:
        _fetch(repository, name, commit)
    except WeightsError as problem:
        if any(isinstance(cause, errors.RemoteEntryNotFoundError) for cause in exception_chain(problem)):
            return False
        if name in OPTIONAL_NAMES and any(
            isinstance(cause, errors.OfflineModeIsEnabled) for cause in exception_chain(problem)
        ):
            return False
        raise
    return True
