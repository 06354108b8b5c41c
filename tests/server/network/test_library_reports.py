"""What uvicorn and asyncio complain of goes the way of the server's own lines, and holds up nobody."""

import asyncio
import logging
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from gpt25.server.network.library_reports import library_reports


def test_warnings_come_as_lines_without_values(capfd: pytest.CaptureFixture[str]) -> None:
    lines: list[str] = []

    async def break_a_callback() -> None:
        def fail() -> None:
            raise ValueError("somebody's text")

        asyncio.get_running_loop().call_soon(fail)
        await asyncio.sleep(0)

    with library_reports(lines.append):
        logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
        logging.getLogger("uvicorn.error").info("not worth a line")
        logging.getLogger("uvicorn.error").error("%s is somebody's", "this")
        asyncio.run(break_a_callback())
    logging.getLogger("uvicorn.error").warning("nobody listens any more")
    assert lines[:2] == ["uvicorn.error: Invalid HTTP request received.", "uvicorn.error: %s is somebody's"]
    assert lines[2].startswith("asyncio: Exception in callback ")
    assert lines[2].endswith(" (ValueError)")
    assert len(lines) == 3
    assert "somebody's text" not in "".join(lines)
    assert "Invalid HTTP" not in capfd.readouterr().err


def test_a_log_that_nobody_reads_does_not_stop_the_server(model_directory: Path) -> None:
    words = [sys.executable, "-m", "gpt25", "serve", str(model_directory), "--port", "0", "--precision", "float32"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline().rpartition(":")[2])
            for _ in range(2500):  # lines of more than 40 bytes, and a pipe holds 65,536
                answered(port, b"HELLO\r\n\r\n")
            health = answered(port, b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert health.startswith(b"HTTP/1.1 200 ")
        finally:
            process.kill()


def answered(port: int, content: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(content)
        received = b""
        while part := connection.recv(4096):
            received += part
    return received
