"""Why the Hugging Face Hub did not give something, in one line, and what to do. Imports nothing of its client."""

import re
from collections.abc import Iterator, Mapping

_LOG_IN = "log in with `hf auth login` or set HF_TOKEN"
_BROKE_OFF = (
    "the connection broke off before the end of the file; try again, and nothing of it is used until it is complete"
)
# By class name, looked up in method resolution order: the client has changed its HTTP library before.
_BY_EXCEPTION = {
    "GatedRepoError": f"it is gated; ask for access on its page and {_LOG_IN}",
    "RepositoryNotFoundError": f"there is no such repository, or it is private; check the name, or {_LOG_IN}",
    "RevisionNotFoundError": "there is no such branch, tag or commit",
    "RemoteEntryNotFoundError": "the repository has no such file",
    "OfflineModeIsEnabled": "it is not in the cache and HF_HUB_OFFLINE forbids asking; unset it, or give a directory",
    "HFValidationError": "that is no Hub id; one has the form owner/name",
    "TimeoutException": "the Hub did not answer in time; try again, or raise HF_HUB_ETAG_TIMEOUT and "
    "HF_HUB_DOWNLOAD_TIMEOUT (seconds)",
    "ConnectError": "the Hub cannot be reached; check the connection, or set HF_HUB_OFFLINE=1 to use the cache alone",
    "RemoteProtocolError": _BROKE_OFF,
    "ConnectionError": _BROKE_OFF,
    "ProxyError": "the proxy does not let it through; check HTTPS_PROXY",
}
# A header that cannot be sent is quoted by whoever could not send it.
_TOKEN = re.compile(r"(?<=Bearer )[^'\"]+|hf_\w+")
_WRONG_SIZE = "Consistency check failed"  # the beginning of the client's OSError; it has no class of its own
_BY_STATUS = {
    401: f"access is denied (401); {_LOG_IN}",
    403: f"access is denied (403); {_LOG_IN}",
    404: "there is nothing at its address (404); check the name, and HF_ENDPOINT if it is set",
    429: f"the Hub refuses so many requests (429); wait a few minutes, or {_LOG_IN}",
}


def exception_chain(problem: BaseException | None) -> Iterator[BaseException]:
    """An exception, its cause, the cause of that, and so on."""
    while problem is not None:
        yield problem
        problem = problem.__cause__


def hub_error_message(problem: Exception, *, absent_file: str, own: Mapping[str | int, str] | None = None) -> str:
    """What went wrong and what to do, by the first exception in the chain that tells. A token is in none of it.

    absent_file: what it means that a repository has no such file: "the repository has no such file, so …".
    own: what to say instead, by the exception's class name or the Hub's status, where more is known of what was asked.
    """
    own = own or {}
    for cause in exception_chain(problem):
        status = getattr(getattr(cause, "response", None), "status_code", None)
        if isinstance(status, int) and status in own:
            return own[status]
        for kind in type(cause).__mro__:
            if kind.__name__ == "RemoteEntryNotFoundError":
                return f"{_BY_EXCEPTION[kind.__name__]}, so {absent_file}"
            if kind.__name__ in own or kind.__name__ in _BY_EXCEPTION:
                return own.get(kind.__name__) or _BY_EXCEPTION[kind.__name__]
        if status is not None:
            return _BY_STATUS.get(status, f"the Hub answered {status}; try again later")
    if str(problem).startswith(_WRONG_SIZE):
        return "what arrived has not the size that the Hub announced; try again, and look for a proxy in between"
    return _TOKEN.sub("(a token)", " ".join(f"{type(problem).__name__}: {problem}".split()))[:300]
