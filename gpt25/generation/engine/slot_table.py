"""Which slot holds which tokens, so that nothing is read twice."""

from collections.abc import Sequence


class SlotTable:
    """The slots of a runner: free or taken, and the tokens whose keys and values each holds.

    A slot keeps its tokens when its text has ended, until another takes it: the next request with the same beginning
    finds them there.
    """

    def __init__(self, slots: int) -> None:
        self.tokens: list[list[int]] = [[] for _ in range(slots)]
        """By slot, the tokens that were read, in order."""
        self._free = list(range(slots))
        """Free slots, the one that has been free for longest first."""

    @property
    def has_free(self) -> bool:
        """Whether a text may begin."""
        return bool(self._free)

    def take(self, prompt: Sequence[int]) -> tuple[int, int, int]:
        """Take a slot for a text that begins with `prompt`: the slot, another that holds a beginning of it, its length.

        The two are one where a free slot has the longest beginning itself; the caller else copies it.
        """
        shared = [_common(held, prompt) for held in self.tokens]
        source = max(range(len(shared)), key=lambda slot: (shared[slot], slot in self._free))
        # A free slot may be overwritten, and the one that holds least of use is lost least.
        slot = source if source in self._free else min(self._free, key=lambda free: len(self.tokens[free]))
        self._free.remove(slot)
        length = shared[source]
        self.tokens[slot] = list(prompt[:length])
        return slot, source, length

    def release(self, slot: int) -> None:
        """Let another text take the slot, and until then keep what it holds."""
        self._free.append(slot)

    def forget(self, slot: int) -> None:
        """Take what a slot holds for lost."""
        self.tokens[slot] = []

    def move(self, slot: int) -> int | None:
        """A lower free slot for the text of this one, whose tokens are now counted there; None where there is none."""
        lower = min(self._free, default=slot)
        if lower >= slot:
            return None
        self._free.remove(lower)
        self.tokens[lower] = list(self.tokens[slot])
        self._free.append(slot)
        return lower


def _common(held: Sequence[int], prompt: Sequence[int]) -> int:
    """How many tokens both begin with."""
    if not held or held[0] != prompt[0]:
        return 0
    count = 0
    for left, right in zip(held, prompt, strict=False):
        if left != right:
            break
        count += 1
    return count
