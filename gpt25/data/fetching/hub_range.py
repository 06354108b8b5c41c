"""A stretch of a file on the Hub, where the whole file is not wanted."""

from gpt25.data.sources.hub_download import patiently
from gpt25.data.sources.hub_listing import HubFile
from gpt25.errors import DataError
from gpt25.storage.hub.hub_error_message import hub_error_message


def fetch_hub_range(file: HubFile, start: int, end: int) -> bytes:
    """The bytes `start` to `end` - 1 of a file, of its listed commit; raises DataError in one line.

    Failures that pass are waited out as those of whole files are. Nothing tells whether the bytes are right: the Hub's
    hash is that of the whole file.
    """
    try:
        return patiently(lambda: _ask(file, start, end))
    except DataError:
        raise
    except Exception as problem:  # the client's own errors and its HTTP library's
        reason = hub_error_message(problem, absent_file="the set has changed")
        raise DataError(
            f"cannot get bytes {start:,} to {end:,} of {file.path} of the data set {file.repository}: {reason}."
        ) from problem


def _ask(file: HubFile, start: int, end: int) -> bytes:
    # Imported here because it reads its variables when it is imported, and takes a while.
    from huggingface_hub import constants, get_session, hf_hub_url
    from huggingface_hub.utils import build_hf_headers, hf_raise_for_status  # type: ignore[attr-defined]

    url = hf_hub_url(file.repository, file.path, repo_type="dataset", revision=file.commit)
    headers = {**build_hf_headers(), "Range": f"bytes={start}-{end - 1}", "Accept-Encoding": "identity"}
    timeout = constants.HF_HUB_DOWNLOAD_TIMEOUT
    with get_session().stream("GET", url, headers=headers, timeout=timeout, follow_redirects=True) as response:
        hf_raise_for_status(response)
        if response.status_code != 206:  # nobody wants the rest of 20 GB
            raise DataError(
                f"{file.name}: bytes {start:,} to {end:,} were asked for, and the answer has status "
                f"{response.status_code}, which is all of the file; look for a proxy in between"
            )
        content = bytes(response.read())
    if len(content) != end - start:
        raise DataError(
            f"{file.name}: bytes {start:,} to {end:,} were asked for, and {len(content):,} bytes came; look for a "
            "proxy in between, and try again"
        )
    return content
