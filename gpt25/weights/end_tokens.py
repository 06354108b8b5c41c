"""The tokens at which a model's own files say that its texts end."""

from pathlib import Path

from gpt25.errors import WeightsError
from gpt25.model import GPTConfiguration
from gpt25.storage import is_file, read_object
from gpt25.weights.openai.openai_release import CONFIG_NAME

GENERATION_NAME = "generation_config.json"
_KEY = "eos_token_id"


def read_end_token_ids(directory: Path, configuration: GPTConfiguration) -> tuple[int, ...]:
    """The ids of `eos_token_id`, one or several: of generation_config.json or, where it names none, of config.json.

    Empty where neither names one; ids that the model has no embedding for cannot be drawn and are passed over, as in
    the many files that kept GPT-2's 50256 beside a smaller vocabulary. Raises WeightsError for anything but ids,
    CorruptFileError for a file that is no JSON object.
    """
    for name in (GENERATION_NAME, CONFIG_NAME):
        path = directory / name
        value = read_object(path).get(_KEY) if is_file(path) else None
        if value is None:
            continue
        ids = value if isinstance(value, list) else [value]
        wrong = [each for each in ids if type(each) is not int or each < 0]
        if wrong:
            raise WeightsError(f"{path}: {_KEY} is {value!r}; it must be a token id or a list of token ids.")
        return tuple(each for each in dict.fromkeys(ids) if each < configuration.vocabulary_size)
    return ()
