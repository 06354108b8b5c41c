"""Serve models over HTTP: OpenAI's completions API for base models, and a page to play in.

It listens to this machine only, unless --host names another address and --api-key or --insecure says who may come.
"serving on http://HOST:PORT" is printed when the models are loaded.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

import tyro

from gpt25.cli.output import Output
from gpt25.errors import ConfigurationError
from gpt25.installation import missing_extra
from gpt25.storage import decode_text
from gpt25.storage.reading.bounded_file import read_bounded
from gpt25.weights import require_model

_LARGEST_KEY_FILE_BYTES = 4096


@dataclass(frozen=True)
class Arguments:
    """The arguments of `gpt25 serve`."""

    models: tyro.conf.Positional[tuple[str, ...]]
    """Each a size name, a Hub id, a Hugging Face directory or a run, as for gpt25 generate; NAME=MODEL gives it the
    name under which it is asked for."""
    host: str = "127.0.0.1"
    """The address to listen on; 0.0.0.0 for all of this machine's."""
    port: int = 8000
    """0 takes a free one."""
    api_key: str | None = None
    """What every request must bring as "Authorization: Bearer KEY", those for /health excepted. Other users of this
    machine can see a command's words: see --api-key-file."""
    api_key_file: str | None = None
    """A file that holds the key, in place of --api-key."""
    insecure: bool = False
    """Let other machines in without a key."""
    allowed_host: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """A name under which the server is reached beside its addresses, as behind a proxy; may be given several times."""
    slots: int | None = None
    """Texts of one model that are written at a time; without it as many as memory allows, at most 32."""
    most_waiting: int = 256
    """Prompts that may wait for their turn; beyond that the answer is 429."""
    drain_seconds: float = 30.0
    """How long texts that are being written may go on after SIGTERM."""
    precision: Literal["auto", "float32", "bfloat16", "int8"] = "auto"
    """As for gpt25 generate."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:1 or mps."""
    json: bool = False
    """Print {"url": …, "models": […]} in place of the line."""


def _key(arguments: Arguments) -> str | None:
    """The key, from wherever it is given."""
    if arguments.api_key_file is None:
        return arguments.api_key
    if arguments.api_key is not None:
        raise ConfigurationError("--api-key and --api-key-file are both given; choose one place for the key.")
    content = read_bounded(arguments.api_key_file, largest_bytes=_LARGEST_KEY_FILE_BYTES)
    return decode_text(content, where=arguments.api_key_file, error=ConfigurationError).strip()


def run(arguments: Arguments, output: Output) -> None:
    """Check the settings, and serve until a signal."""
    from gpt25.server.serving_settings import ServingSettings

    settings = ServingSettings(
        host=arguments.host,
        port=arguments.port,
        api_key=_key(arguments),
        insecure=arguments.insecure,
        allowed_hosts=arguments.allowed_host,
        slots=arguments.slots,
        most_waiting=arguments.most_waiting,
        drain_seconds=arguments.drain_seconds,
    )
    from gpt25.server.registry.model_names import model_names

    names = model_names(arguments.models)
    for word in names.values():
        require_model(word)
    from gpt25.generation import choose_generating_precision

    try:
        from gpt25.server.serve import serve
    except ModuleNotFoundError as problem:
        raise missing_extra(f"the server needs {problem.name}, which is not installed", extra="serve") from problem
    serve(
        names,
        precision=choose_generating_precision(arguments.device, arguments.precision),
        settings=settings,
        announce=lambda url: output.result({"url": url, "models": list(names)}, f"serving on {url}"),
        report=output.note,
    )
