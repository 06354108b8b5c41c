"""One of several equal parts of the sources, so that many machines prepare one data set together."""

import re
from dataclasses import dataclass

from gpt25.errors import ConfigurationError

_ARGUMENT = re.compile(r"(\d{1,5})/(\d{1,5})")
_FOLDER = re.compile(r"part-(\d{5})-of-(\d{5})")


@dataclass(frozen=True)
class Part:
    """Part `number`, counted from 1, of `count`. All parts one after the other are the whole, nothing twice.

    Part.parse("3/64") -> Part(number=3, count=64), in the folder part-00003-of-00064
    """

    number: int
    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.count:
            raise ConfigurationError(
                f"there is no part {self.number} of {self.count}: parts go from 1/{self.count} to "
                f"{self.count}/{self.count}"
            )

    @classmethod
    def parse(cls, argument: str) -> "Part":
        """Read what a user writes; ConfigurationError tells the form."""
        match = _ARGUMENT.fullmatch(argument)
        if match is None:
            raise ConfigurationError(f"a part is written NUMBER/COUNT, such as 3/64, not {argument!r}")
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of_folder(cls, name: str) -> "Part | None":
        """The part that a folder's name tells, None for any other name."""
        match = _FOLDER.fullmatch(name)
        return Part(int(match[1]), int(match[2])) if match else None

    @property
    def folder(self) -> str:
        """The part's folder inside the data set's."""
        return f"part-{self.number:05d}-of-{self.count:05d}"

    def owns(self, position: int, total: int) -> bool:
        """Whether what begins at byte `position` of `total` is in this part: Part(2, 4).owns(25, 100) -> True."""
        return min(position, total - 1) * self.count // max(total, 1) == self.number - 1

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"


WHOLE = Part(1, 1)
"""All of the sources."""
