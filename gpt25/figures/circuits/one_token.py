"""One token of a model's vocabulary, as a caller may name it."""

from gpt25.errors import InspectionError
from gpt25.figures.opened import OpenedModel


def one_token(given: OpenedModel, token: str | int | None, what: str) -> int | None:
    """The id of a text that is one token, such as " Paris"; an id stays what it is, and None is none.

    what: what the token is for, in the message. Raises InspectionError for a text of no token or of several.
    """
    if token is None or isinstance(token, int):
        return token
    if given.tokenizer is None:
        raise InspectionError(f"this model has no tokenizer, so that {what} must be the id of a token, not a text.")
    ids = given.tokenizer.encode(token)
    if len(ids) != 1:
        pieces = " ".join(given.labels(ids)) or "none"
        raise InspectionError(
            f"{what} must be one token, and {token!r} is {len(ids)}: {pieces}. A word behind "
            "another begins with a space."
        )
    return ids[0]
