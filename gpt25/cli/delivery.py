"""The exit code of a command whose output could not be written."""

from gpt25.cli.output import Output
from gpt25.cli.streams.standard_streams import StandardStreams

_BROKEN_PIPE_EXIT_CODE = 141  # 128 + SIGPIPE, what a shell reports for a writer whose reader went away
_UNDELIVERED_EXIT_CODE = 2


def exit_code_of_delivery(streams: StandardStreams, output: Output, *, exit_code: int) -> int:
    """The command's exit code, once it is said what could not be written and where the work lies all the same.

    A result that is the output itself (`output.kept` is None) and does not arrive is a failure: exit code 2 and a line
    about it, or silently 141 where the reader, such as head, has seen enough. Everything else is a remark, on whichever
    stream still takes one.
    """
    streams.output.flush()
    streams.error.flush()
    if streams.output.problem is not None:
        return _without_output(streams.output.problem, output, exit_code)
    if streams.error.problem is not None and output.kept is not None and not output.json:
        reason = _reason(streams.error.problem)
        output.say(f"standard error could not be written to ({reason}): some notes are lost. {output.kept} is whole.")
    return exit_code


def _without_output(problem: OSError, output: Output, exit_code: int) -> int:
    reason = _reason(problem)
    if exit_code == 0 and output.kept is not None:
        output.note(f"standard output could not be written to ({reason}): some output is lost. {output.kept} is whole.")
    elif isinstance(problem, BrokenPipeError):
        return exit_code or _BROKEN_PIPE_EXIT_CODE
    elif exit_code == 0:
        output.error(f"the result could not be written to standard output: {reason}. Send it to another place.")
        return _UNDELIVERED_EXIT_CODE
    else:
        output.note(f"standard output could not be written to ({reason}): some output is lost.")
    return exit_code


def _reason(problem: OSError) -> str:
    return problem.strerror or str(problem)
