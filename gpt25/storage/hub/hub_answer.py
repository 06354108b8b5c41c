"""Whether the Hugging Face Hub answers, asked once, before its client asks six times in half a minute."""

from pathlib import Path
from typing import Literal


def kept_unless_hub_answers(
    repository: str, name: str, *, revision: str | None = None, repo_type: Literal["model", "dataset"] = "model"
) -> Path | None:
    """None where the Hub says that it has the file: it can be fetched. Else where the cache holds it.

    Raises what the Hub's client raises where the Hub does not answer as it should and the cache has nothing, in time
    for a message of one line: a download would ask six times, with a warning of its own for each.
    """
    # Imported here because it reads its variables when it is imported, and takes a while.
    import huggingface_hub

    try:
        address = huggingface_hub.hf_hub_url(repository, name, repo_type=repo_type, revision=revision)
        huggingface_hub.get_hf_file_metadata(address)
    except Exception as problem:  # the client raises its own, its HTTP library's and the operating system's errors
        if isinstance(problem, ValueError):  # not even the form of an id
            raise
        kept = huggingface_hub.try_to_load_from_cache(repository, name, repo_type=repo_type, revision=revision)
        if not isinstance(kept, str):
            raise
        return Path(kept)
    return None
