"""Which files an address on the Hub means, all of one commit."""

import fnmatch
from dataclasses import dataclass

from gpt25.data.sources.hub_address import HubAddress
from gpt25.errors import DataError
from gpt25.storage.hub.hub_error_message import hub_error_message


@dataclass(frozen=True)
class HubFile:
    """One file of a data set at one commit; `sha256` where the Hub tells it (it does for large files)."""

    repository: str
    commit: str
    path: str
    size: int
    sha256: str | None
    blob: str

    @property
    def name(self) -> str:
        """The file's address without the commit: the same for every commit that holds it."""
        return f"hf://datasets/{self.repository}/{self.path}"


def list_hub_files(address: HubAddress) -> list[HubFile]:
    """The files below a folder, or those that a glob matches, sorted by path; a name that begins with a dot is none.

    Raises DataError in one line for whatever goes wrong, and where nothing matches.
    """
    # Imported here because it reads its variables when it is imported, and takes a while.
    import huggingface_hub

    folder, pattern = _folder_and_pattern(address.path)
    try:
        api = huggingface_hub.HfApi()
        commit = api.repo_info(address.repository, repo_type="dataset", revision=address.revision).sha or "main"
        entries = list(
            api.list_repo_tree(address.repository, folder or None, recursive=True, repo_type="dataset", revision=commit)
        )
    except Exception as problem:  # the client raises its own, its HTTP library's and the operating system's errors
        reason = hub_error_message(problem, absent_file="the folder is not there; check the path")
        raise DataError(f"cannot list {address.path} of the data set {address.repository}: {reason}.") from problem
    files = [
        HubFile(
            address.repository, commit, entry.path, entry.size, entry.lfs.sha256 if entry.lfs else None, entry.blob_id
        )
        for entry in entries
        if isinstance(entry, huggingface_hub.hf_api.RepoFile)
    ]
    chosen = [file for file in files if _matches(file.path, folder, pattern)]
    if not chosen:
        raise DataError(f"no file of the data set {address.repository} on the Hub matches {address.path}")
    return sorted(chosen, key=lambda file: file.path)


def _folder_and_pattern(path: str) -> tuple[str, str]:
    """("sample/10BT/*.parquet") -> ("sample/10BT", "sample/10BT/*.parquet"); a file's folder is its parent's."""
    parts = path.split("/")
    plain = 0
    while plain < len(parts) and not any(mark in parts[plain] for mark in "*?["):
        plain += 1
    if plain == len(parts) and "." in parts[-1]:  # one file
        plain -= 1
    return "/".join(parts[:plain]), path


def _matches(path: str, folder: str, pattern: str) -> bool:
    if path.rsplit("/", 1)[-1].startswith("."):
        return False
    return pattern == folder or fnmatch.fnmatchcase(path, pattern)
