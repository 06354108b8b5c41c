"""Model directories from the Hugging Face Hub, through its own client and cache."""

from collections.abc import Iterator
from pathlib import Path

from gpt25.errors import WeightsError
from gpt25.weights.openai_release import CONFIG_NAME
from gpt25.weights.stored_weights import HOW_TO_GET_SAFETENSORS, INDEX_NAME, WEIGHTS_NAME, shard_names

# Files that a model may do without. Nothing else is ever asked for: no pickles, no code.
_OPTIONAL_NAMES = ("vocab.json", "merges.txt", "tokenizer.json", "tokenizer_config.json")
_LOG_IN = "log in with `hf auth login` or set HF_TOKEN"
# By name, most special first in every exception's family: the client has changed its HTTP library before.
_BY_EXCEPTION = {
    "GatedRepoError": f"it is gated; ask for access on its page and {_LOG_IN}",
    "RepositoryNotFoundError": f"there is no such repository, or it is private; check the name, or {_LOG_IN}",
    "RevisionNotFoundError": "there is no such branch, tag or commit",
    "RemoteEntryNotFoundError": "the repository has no such file, so it is no GPT-2 that can be loaded",
    "OfflineModeIsEnabled": "it is not in the cache and HF_HUB_OFFLINE forbids asking; unset it, or give a directory",
    "HFValidationError": "that is no Hub id; one has the form owner/name",
    "TimeoutException": "the Hub did not answer in time; try again, or raise HF_HUB_ETAG_TIMEOUT (seconds)",
    "ConnectError": "the Hub cannot be reached; check the connection, or set HF_HUB_OFFLINE=1 to use the cache alone",
    "ProxyError": "the proxy does not let it through; check HTTPS_PROXY",
}
_BY_STATUS = {
    401: f"access is denied (401); {_LOG_IN}",
    403: f"access is denied (403); {_LOG_IN}",
    404: "there is nothing at its address (404); check the name, and HF_ENDPOINT if it is set",
    429: f"the Hub refuses so many requests (429); wait a few minutes, or {_LOG_IN}",
}


def download_model(repository: str, *, revision: str | None = None) -> Path:
    """Fetch a repository's model files, or find them in the cache; return the directory that holds them.

    repository: "owner/name". revision: branch, tag or commit; None is the main branch. All files are of one commit.
    Raises WeightsError in one line for whatever goes wrong. huggingface_hub's variables hold: HF_HOME, HF_ENDPOINT,
    HF_HUB_OFFLINE, HF_TOKEN and the time-outs.
    """
    directory = _directory(repository, revision)
    commit = directory.name  # the cache keeps a commit's files in snapshots/COMMIT
    if not _fetch_if_there(repository, WEIGHTS_NAME, commit):
        if not _fetch_if_there(repository, INDEX_NAME, commit):
            raise WeightsError(f"{repository} on the Hub holds no {WEIGHTS_NAME}. {HOW_TO_GET_SAFETENSORS}.")
        for name in shard_names(directory / INDEX_NAME):
            _fetch(repository, name, commit)
    for name in _OPTIONAL_NAMES:
        _fetch_if_there(repository, name, commit)
    return directory


def _directory(repository: str, revision: str | None) -> Path:
    """Where the cache keeps the commit that a revision now stands for, with its config.json already there.

    The Hub is asked once before anything is downloaded: a download would ask six times in half a minute before it
    gave up. When it does not answer as it should, what the cache has is used.
    """
    # Imported here and below because it reads its variables when it is imported, and takes a while.
    import huggingface_hub

    try:
        huggingface_hub.get_hf_file_metadata(huggingface_hub.hf_hub_url(repository, CONFIG_NAME, revision=revision))
    except Exception as problem:  # the client raises its own, its HTTP library's and the operating system's errors
        cached = None
        if not isinstance(problem, ValueError):  # not even the form of an id
            cached = huggingface_hub.try_to_load_from_cache(repository, CONFIG_NAME, revision=revision)
        if not isinstance(cached, str):
            raise _unavailable(repository, CONFIG_NAME, revision, problem) from problem
        return Path(cached).parent
    return Path(_fetch(repository, CONFIG_NAME, revision)).parent


def _fetch(repository: str, name: str, revision: str | None) -> str:
    """The path of one file in the cache, downloaded unless it is there; raises WeightsError when it cannot be had."""
    import huggingface_hub

    try:
        return huggingface_hub.hf_hub_download(repository, name, revision=revision)
    except Exception as problem:
        raise _unavailable(repository, name, revision, problem) from problem


def _unavailable(repository: str, name: str, revision: str | None, problem: Exception) -> WeightsError:
    where = repository if revision is None else f"{repository} at {revision}"
    return WeightsError(f"cannot get {name} of {where} from the Hub: {_reason(problem)}.")


def _fetch_if_there(repository: str, name: str, commit: str) -> bool:
    """Fetch a file that a repository may lack; return whether it is there."""
    from huggingface_hub import errors, try_to_load_from_cache

    cached = try_to_load_from_cache(repository, name, revision=commit)
    if cached is not None:  # a path, or the mark that this commit has no such file
        return isinstance(cached, str)
    try:
        _fetch(repository, name, commit)
    except WeightsError as problem:
        if any(isinstance(cause, errors.RemoteEntryNotFoundError) for cause in _chain(problem)):
            return False
        if name in _OPTIONAL_NAMES and any(isinstance(cause, errors.OfflineModeIsEnabled) for cause in _chain(problem)):
            return False
        raise
    return True


def _chain(problem: BaseException | None) -> Iterator[BaseException]:
    """An exception and those that led to it."""
    while problem is not None:
        yield problem
        problem = problem.__cause__


def _reason(problem: Exception) -> str:
    """What went wrong and what to do, in one line, by the first exception in the chain that tells."""
    for cause in _chain(problem):
        for kind in type(cause).__mro__:
            if kind.__name__ in _BY_EXCEPTION:
                return _BY_EXCEPTION[kind.__name__]
        status = getattr(getattr(cause, "response", None), "status_code", None)
        if status is not None:
            return _BY_STATUS.get(status, f"the Hub answered {status}; try again later")
    return " ".join(f"{type(problem).__name__}: {problem}".split())[:300]
