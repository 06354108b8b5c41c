"""One file of a data set on the Hugging Face Hub, through its own client and cache."""

from pathlib import Path

from gpt25.errors import DataError
from gpt25.storage.hub.hub_answer import kept_unless_hub_answers
from gpt25.storage.hub.hub_error_message import hub_error_message
from gpt25.storage.hub.hub_progress import limited_progress


def fetch_hub_file(repository: str, name: str, *, revision: str | None = None, absent_file: str) -> Path:
    """Fetch a file of the data set "owner/name", or find it in the cache; the path there.

    absent_file: what it means that the repository has no such file, for people. revision: branch, tag or commit.
    Raises DataError in one line for whatever goes wrong. huggingface_hub's variables hold: HF_HOME, HF_ENDPOINT,
    HF_HUB_OFFLINE, HF_TOKEN and the time-outs.
    """
    # Imported here because it reads its variables when it is imported, and takes a while.
    import huggingface_hub

    try:
        kept = kept_unless_hub_answers(repository, name, revision=revision, repo_type="dataset")
        if kept is not None:
            return kept
        return Path(
            huggingface_hub.hf_hub_download(
                repository, name, repo_type="dataset", revision=revision, tqdm_class=limited_progress()
            )
        )
    except Exception as problem:  # the client raises its own, its HTTP library's and the operating system's errors
        reason = hub_error_message(problem, absent_file=absent_file)
        raise DataError(f"cannot get {name} of the data set {repository} from the Hub: {reason}.") from problem
