"""From the bytes of tokens to text that can be shown at once and never has to be taken back."""

import codecs
from collections.abc import Sequence


class TextAssembler:
    r"""Decodes bytes piece by piece and ends the text before the first stop string.

    A character split over tokens is held back until it is complete; bytes that are no UTF-8 become U+FFFD exactly as in
    `bytes.decode(errors="replace")` of the whole. Text that may be the beginning of a stop string is held back too.
    "First" is the stop string completed first, read character by character (of several completed by one character the
    longest), so that the text does not depend on where tokens begin and end.

        assembler = TextAssembler(stop=["\n\n"])
        assembler.add(b"caf\xc3")  -> "caf"
        assembler.add(b"\xa9\n")   -> "é"
        assembler.add(b"\nmore")   -> "" and assembler.stopped is True
    """

    def __init__(self, *, stop: Sequence[str] = ()) -> None:
        self.stopped = False
        """Whether a stop string was found; nothing is added after that."""
        self._stop = tuple(stop)
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._held = ""  # whole characters that may begin a stop string

    def add(self, content: bytes) -> str:
        """Take the next token's bytes; return the text that is now certain."""
        return self._advance(self._decoder.decode(content))

    def finish(self) -> str:
        """Return what was held back, now that nothing follows."""
        certain = self._advance(self._decoder.decode(b"", final=True))
        rest, self._held = self._held, ""
        return certain + rest

    def _advance(self, text: str) -> str:
        if self.stopped:
            return ""
        text = self._held + text
        found = self._first_stop(text)
        if found is not None:
            self.stopped, self._held = True, ""
            return text[:found]
        certain = len(text) - self._possible_beginning(text)
        self._held = text[certain:]
        return text[:certain]

    def _first_stop(self, text: str) -> int | None:
        """Where the stop string that is completed first begins; "xaby" with the stop "ab" -> 1."""
        found = ((text.find(string), string) for string in self._stop)
        ends_and_starts = [(start + len(string), start) for start, string in found if start >= 0]
        return min(ends_and_starts)[1] if ends_and_starts else None

    def _possible_beginning(self, text: str) -> int:
        """How many characters at the end of the text could be the beginning of a stop string; "xa", "ab" -> 1."""
        longest = max((len(string) for string in self._stop), default=0) - 1
        for length in range(min(longest, len(text)), 0, -1):
            ending = text[-length:]
            if any(string.startswith(ending) for string in self._stop):
                return length
        return 0
