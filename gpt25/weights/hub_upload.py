"""A model's files to the Hugging Face Hub, in one commit, through its own client."""

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gpt25.errors import ConfigurationError, WeightsError
from gpt25.storage.hub.hub_error_message import hub_error_message
from gpt25.weights.model_files import OPTIONAL_NAMES

if TYPE_CHECKING:
    from huggingface_hub import HfApi, ModelInfo

_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
_LONGEST_NAME = 96  # the Hub's
_NO_TOKEN = (
    "log in with `hf auth login` or set HF_TOKEN, to a token that may write (https://huggingface.co/settings/tokens)"
)
_WRONG_CARD = "Invalid metadata in README.md."  # the beginning of the client's ValueError
_MADE_BY_THE_HUB = (".gitattributes",)
_WEIGHTS = re.compile(r"model(-\d+-of-\d+)?\.safetensors|model\.safetensors\.index\.json")


@dataclass(frozen=True)
class UploadedModel:
    """Where it is now."""

    url: str
    commit: str
    """The commit's hash; the same as before where nothing had changed."""
    private: bool


def require_repository_name(repository: str) -> None:
    """Raise ConfigurationError for what the Hub would not take as "owner/name"."""
    is_one = _REPOSITORY.fullmatch(repository) and len(repository) <= _LONGEST_NAME
    if not is_one or "--" in repository or ".." in repository or repository.endswith((".git", ".", "-")):
        raise ConfigurationError(
            f"{repository!r} is no name for a model on the Hub; one has the form owner/name, of letters, digits, - , _ "
            f"and ., at most {_LONGEST_NAME} characters."
        )


def upload_model(
    files: Mapping[str, Path | bytes],
    repository: str,
    *,
    public: bool,
    overwrite: bool,
    message: str,
    draw_progress: bool = False,
) -> UploadedModel:
    """Make the repository and commit these files, and no others, to its main branch.

    public: make it so; a repository that is there keeps what it is, and one that everybody sees is written to with
    `public` only. overwrite: whether it may hold files already; weights and tokenizer files among them that are not in
    `files` are removed, the rest stays. draw_progress: let the client draw its bars on standard error. Raises
    WeightsError in one line for whatever goes wrong, and never names the token. huggingface_hub's variables hold:
    HF_TOKEN, HF_ENDPOINT, HF_HUB_OFFLINE and the time-outs.
    """
    require_repository_name(repository)
    # Imported here because it reads its variables when it is imported, and takes a while.
    from huggingface_hub import HfApi, constants, get_token

    if constants.is_offline_mode():
        raise WeightsError(f"cannot push to {repository}: HF_HUB_OFFLINE forbids asking the Hub; unset it.")
    if get_token() is None:
        raise WeightsError(f"cannot push to {repository}: there is no token for the Hub; {_NO_TOKEN}.")
    api = HfApi()
    try:
        there = _make(api, repository, public=public)
        if there is not None:
            _require_writable(there, repository, public=public, overwrite=overwrite)
        with contextlib.nullcontext() if draw_progress else _without_bars():
            commit = _commit(api, files, repository, there, message)
    except WeightsError:
        raise
    except Exception as problem:  # the client raises its own, its HTTP library's and the operating system's errors
        raise WeightsError(f"cannot push to {repository}: {_reason(problem, repository)}.") from None
    url = f"{constants.ENDPOINT}/{repository}"
    return UploadedModel(url=url, commit=commit, private=not public if there is None else bool(there.private))


@contextlib.contextmanager
def _without_bars() -> Iterator[None]:
    """Keep the client from drawing its bars, which it does into files and pipes as well."""
    from huggingface_hub import utils

    if utils.are_progress_bars_disabled():  # type: ignore[attr-defined]
        yield
        return
    utils.disable_progress_bars()  # type: ignore[attr-defined]
    try:
        yield
    finally:
        utils.enable_progress_bars()  # type: ignore[attr-defined]


def _make(api: "HfApi", repository: str, *, public: bool) -> "ModelInfo | None":
    """Make the repository; returns what is known of one that is there already."""
    from huggingface_hub.errors import HfHubHTTPError

    try:
        api.create_repo(repository, private=not public)
    except HfHubHTTPError as problem:
        if problem.response.status_code != 409:
            raise
        return api.model_info(repository)
    return None


def _require_writable(there: "ModelInfo", repository: str, *, public: bool, overwrite: bool) -> None:
    """Let a repository be written to that is empty, or may be overwritten, and is seen by no more people than meant."""
    if not there.private and not public:
        raise WeightsError(
            f"{repository} is there already and everybody sees it; add --public if that is meant, or choose another "
            "name."
        )
    names = [name for name in _names_in(there) if name not in _MADE_BY_THE_HUB]
    if names and not overwrite:
        raise WeightsError(
            f"{repository} is there already and holds {names[0]}; add --overwrite to put a new commit on top (the old "
            "ones stay in its history), or choose another name."
        )


def _commit(
    api: "HfApi",
    files: Mapping[str, Path | bytes],
    repository: str,
    there: "ModelInfo | None",
    message: str,
) -> str:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    superseded = [name for name in _names_in(there) if name not in files and _is_of_a_model(name)]
    info = api.create_commit(
        repository,
        operations=[
            *(
                CommitOperationAdd(name, content if isinstance(content, bytes) else str(content))
                for name, content in files.items()
            ),
            *(CommitOperationDelete(name) for name in superseded),
        ],
        commit_message=message,
    )
    return str(info.oid)


def _names_in(there: "ModelInfo | None") -> list[str]:
    return [] if there is None else sorted(file.rfilename for file in there.siblings or [])


def _is_of_a_model(name: str) -> bool:
    """Whether a file that was left beside new weights would contradict them."""
    return name in OPTIONAL_NAMES or _WEIGHTS.fullmatch(name) is not None


def _reason(problem: Exception, repository: str) -> str:
    if str(problem).startswith(_WRONG_CARD):
        return " ".join(
            f"the Hub does not take the head of README.md: {str(problem).removeprefix(_WRONG_CARD)}".split()
        )
    owner = repository.partition("/")[0]
    changed = "somebody else changes it at the same time (409); try again in a while"
    own: dict[str | int, str] = {
        401: f"the Hub does not know the token (401); {_NO_TOKEN}",
        403: f"the token may not write there (403); {owner} must be you or an organisation of yours, and the token one "
        "that may write (https://huggingface.co/settings/tokens)",
        409: changed,
        412: changed,
        413: "the Hub takes no files that large (413)",
        "TimeoutException": "the Hub did not answer in time; try again",
        "ConnectError": "the Hub cannot be reached; check the connection, and HF_ENDPOINT if it is set",
    }
    return hub_error_message(problem, absent_file="nothing was committed", own=own)
