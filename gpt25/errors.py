"""Everything this package raises on purpose.

GPT25Error                     the user's input or surroundings are at fault; exit code 2
├── ConfigurationError         a value or a combination of values that cannot be (also a ValueError)
├── StorageError               a path that cannot be read or written
│   ├── CorruptFileError       a file whose bytes are not what its manifest, header or index says
│   └── DiskFullError          no room left; what was there before is untouched
├── TokenizerError             a tokenizer that cannot be trained, loaded or used for this text or these ids
├── DataError                  documents or shards that cannot be prepared, verified or read
├── WeightsError               a model directory, Hub repository or checkpoint that cannot become a model
├── TrainingError              a run that cannot start or cannot go on
├── GenerationError            a request for text that cannot be served (also a ValueError)
├── InspectionError            a look inside a model that cannot be taken (also a ValueError)
├── EvaluationError            a score that cannot be measured on this data or with this model (also a ValueError)
├── PlotError                  a picture that cannot be drawn from what there is
└── MissingExtraError          an optional dependency that is not installed
Interrupted                    a signal stopped the work after it was saved; exit code 128 + signal number
GPT25Warning                   something that a user should know although the work goes on (a UserWarning)

A message says what happened, with the values, and what to do next.
"""

import signal

_FIRST_CHARACTERS, _LAST_CHARACTERS = 800, 400


class GPT25Error(Exception):
    """Base of all errors that the user can mend; the command line prints it in a line or two and exits with 2.

    A message that quotes a file at length, as a name of a megabyte in it, is cut in its middle: its end is advice.
    """

    exit_code = 2

    def __str__(self) -> str:
        message = super().__str__()
        if len(message) <= _FIRST_CHARACTERS + _LAST_CHARACTERS:
            return message
        return f"{message[:_FIRST_CHARACTERS]} … {message[-_LAST_CHARACTERS:]}"


class ConfigurationError(GPT25Error, ValueError):
    """A value or a combination of values that cannot be."""


class StorageError(GPT25Error):
    """A path that cannot be read or written."""


class CorruptFileError(StorageError):
    """A file whose bytes are not what its manifest, header or index says."""


class DiskFullError(StorageError):
    """No room left on the device; what was there before is untouched."""


class TokenizerError(GPT25Error):
    """A tokenizer that cannot be trained, loaded, or used for this text or these ids."""


class DataError(GPT25Error):
    """Documents or shards that cannot be prepared, verified or read."""


class WeightsError(GPT25Error):
    """A model directory, Hub repository or checkpoint that cannot become a model."""


class TrainingError(GPT25Error):
    """A training run that cannot start or cannot go on."""


class GenerationError(GPT25Error, ValueError):
    """A request for text that cannot be served."""


class InspectionError(GPT25Error, ValueError):
    """A look inside a model that cannot be taken."""


class EvaluationError(GPT25Error, ValueError):
    """A score that cannot be measured on this data or with this model."""


class PlotError(GPT25Error):
    """A picture that cannot be drawn from what there is."""


class MissingExtraError(GPT25Error):
    """An optional dependency that is not installed; the message names the extra that brings it."""


class Interrupted(Exception):
    """A signal stopped the work; everything worth keeping was saved before this was raised."""

    def __init__(self, signal_number: int, message: str = "") -> None:
        super().__init__(message or f"stopped by {self.signal_in_words(signal_number)}")
        self.signal_number = signal_number

    @staticmethod
    def signal_in_words(number: int) -> str:
        """signal_in_words(2) -> "Ctrl-C (SIGINT)"; signal_in_words(15) -> "SIGTERM"."""
        name = signal.Signals(number).name
        return f"Ctrl-C ({name})" if number == signal.SIGINT else name

    @property
    def exit_code(self) -> int:
        """128 + the signal's number, as shells report it: 130 for SIGINT, 143 for SIGTERM."""
        return 128 + self.signal_number


class GPT25Warning(UserWarning):
    """Something that a user should know although the work goes on; the command line says it as a remark."""
