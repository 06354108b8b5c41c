"""What all bodies have in common."""

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator


class StrictBody(BaseModel):
    """Takes no unknown field, turns nothing into another type, and finds few faults in a body that is full of them.

    Of all that is wrong one thing is said; to describe a hundred thousand would hold up the event loop for seconds.
    """

    model_config = ConfigDict(strict=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _with_one_unknown_field(cls, content: Any) -> Any:
        """The body, of whose unknown fields only the first is left."""
        if not isinstance(content, dict):
            return content
        unknown = [name for name in content if name not in cls.model_fields]
        if len(unknown) < 2:
            return content
        known = {name: value for name, value in content.items() if name in cls.model_fields}
        return {**known, unknown[0]: content[unknown[0]]}
