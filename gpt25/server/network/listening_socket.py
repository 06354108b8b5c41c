"""The socket, bound before anything is loaded."""

import errno
import socket

from gpt25.errors import ConfigurationError

BACKLOG = 2048
"""Connections that the system holds until they are accepted."""


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket that listens on host and port; port 0 takes a free one.

    Raises ConfigurationError where the port is taken, not allowed, or the host is not this machine's.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as problem:
        raise ConfigurationError(f"host is {host!r}, which is no address of this machine: {problem}.") from problem
    made = socket.socket(family, kind, protocol)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(BACKLOG)
    except OSError as problem:
        made.close()
        raise ConfigurationError(_advice(host, port, problem)) from problem
    made.setblocking(False)
    return made


def address_of(listening: socket.socket) -> str:
    """http://HOST:PORT of a listening socket."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _advice(host: str, port: int, problem: OSError) -> str:
    match problem.errno:
        case errno.EADDRINUSE:
            return f"port {port} on {host} is in use; choose another with --port, or --port 0 for a free one."
        case errno.EACCES:
            return f"port {port} needs rights that this user does not have; choose one from 1024 on with --port."
        case errno.EADDRNOTAVAIL:
            return f"{host} is no address of this machine; choose another with --host."
        case _:
            return f"cannot listen on {host}, port {port}: {problem.strerror or problem}."
