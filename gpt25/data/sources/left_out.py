"""Files of folders that are not read, so that it can be said."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from gpt25.counted import counted
from gpt25.data.sources.first_names import first_names


@dataclass(frozen=True)
class LeftOut:
    """What a folder or a glob holds besides its documents."""

    beside_a_set: tuple[str, ...] = ()
    """A README and the like beside tables."""
    without_text: tuple[str, ...] = ()
    """Pictures, sounds, films, fonts and programs."""
    hidden: int = 0
    """Files whose names begin with a dot, or that lie in a folder of such a name or of a version control."""
    hidden_in: tuple[str, ...] = ()
    """The hidden folders and files, without what is in the folders."""
    without_field: tuple[str, ...] = ()
    """Tables and JSON lines that have other fields than the one that was asked for."""
    of_runs: tuple[str, ...] = ()
    """Folders that gpt25 writes or wrote: runs, tokenizers, models, token shards, and the output itself."""

    def in_words(self) -> list[str]:
        """A line for each kind that there is, ready to be said."""
        lines = []
        if self.hidden:
            files = counted(self.hidden, "hidden files")
            lines.append(f"{files} {_were(self.hidden)} left out: {first_names(self.hidden_in)}")
        if self.without_text:
            number = len(self.without_text)
            files = counted(number, "files")
            lines.append(f"{files} without text {_were(number)} left out: {first_names(self.without_text)}")
        if self.beside_a_set:
            number = len(self.beside_a_set)
            verb = "is no document" if number == 1 else "are no documents"
            files = counted(number, "files")
            lines.append(
                f"{files} beside the set {verb} of it and {_were(number)} left out: {first_names(self.beside_a_set)}"
            )
        if self.without_field:
            number = len(self.without_field)
            files = counted(number, "files")
            names = first_names(self.without_field)
            lines.append(f"{files} without the field that --field names {_were(number)} left out: {names}")
        if self.of_runs:
            number = len(self.of_runs)
            folders = counted(number, "folders")
            lines.append(f"{folders} of gpt25's own {_were(number)} left out: {first_names(self.of_runs)}")
        return lines


def joined(found: Sequence[LeftOut]) -> LeftOut:
    """What several sources leave out, each name once."""
    return LeftOut(
        beside_a_set=_distinct(each.beside_a_set for each in found),
        without_text=_distinct(each.without_text for each in found),
        hidden=sum(each.hidden for each in found),
        hidden_in=_distinct(each.hidden_in for each in found),
        without_field=_distinct(each.without_field for each in found),
        of_runs=_distinct(each.of_runs for each in found),
    )


def _distinct(names: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(chain.from_iterable(names)))


def _were(number: int) -> str:
    return "was" if number == 1 else "were"
