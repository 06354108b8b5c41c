"""The one class for text and token ids, whatever the vocabulary's origin."""

import functools
import itertools
import operator
import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal, get_args

import tiktoken

from gpt25.errors import TokenizerError
from gpt25.tokenizer.gpt2 import GPT2_FINGERPRINT, gpt2_vocabulary
from gpt25.tokenizer.hugging_face_reader import has_tokenizer_files, read_vocabulary
from gpt25.tokenizer.hugging_face_writer import write_tokenizer_files
from gpt25.tokenizer.token_table import TokenTable, token_table
from gpt25.tokenizer.tokenizer_directory import tokenizer_directory
from gpt25.tokenizer.training import IfFewer, train_vocabulary
from gpt25.tokenizer.vocabulary import Vocabulary

# The same split as vocabulary.SPLIT_PATTERN in linear time and constant stack. tiktoken's own version of it ends in
# \s+(?!\S), which keeps every space of a run on a stack and panics when a million of them stand before a word. A run of
# white space before a word is one piece up to its last character: all those that are followed by another one.
_ENGINE_PATTERN = (
    r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++"
    r"|\s++$|(?=\s\s)(?:\s{256}(?=\s))*+(?:\s(?=\s))*+|\s"
)
_ESCAPED_BYTES = re.compile("([\udc80-\udcff]+)")
SpecialTokens = Literal["text", "parse"]
"""What becomes of the name of a special token that stands in a text."""
_GPT2_NAMES = ("gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl")


class Tokenizer:
    """A byte-level BPE: any text to ids and back without loss. Immutable, thread-safe and picklable.

        tokenizer = Tokenizer.gpt2()
        tokenizer.encode("Hello") -> [15496]
        tokenizer.decode([15496]) -> "Hello"

    Made by `gpt2`, `train`, `load` or `from_word`. Encoding is tiktoken's; time is linear in the length of the text.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._bytes_by_id = vocabulary.bytes_by_id()
        self._encoding, self._id_by_rank = _engine(vocabulary)
        self._plain_tokens = _any_of(vocabulary.plain) if vocabulary.plain else None
        self._special_names = _any_of(vocabulary.special)
        self._all_names = _any_of({**vocabulary.plain, **vocabulary.special})

    @classmethod
    def gpt2(cls) -> "Tokenizer":
        """OpenAI's GPT-2 vocabulary of 50,257 tokens, from the package itself; the same object at every call."""
        return _gpt2_tokenizer()

    @classmethod
    def train(
        cls,
        documents: Iterable[str],
        *,
        vocabulary_size: int,
        if_fewer: IfFewer = "refuse",
        progress: Callable[[int], None] | None = None,
    ) -> "Tokenizer":
        """Learn a vocabulary whose last id is <|endoftext|>; see `train_vocabulary` for what it raises."""
        return cls(train_vocabulary(documents, vocabulary_size=vocabulary_size, if_fewer=if_fewer, progress=progress))

    @classmethod
    def load(cls, directory: str | Path) -> "Tokenizer":
        """Read tokenizer.json, or else vocab.json and merges.txt; TokenizerError names the file that is at fault."""
        return cls(read_vocabulary(Path(directory)))

    @classmethod
    def from_word(cls, word: str | Path) -> "Tokenizer":
        """The tokenizer that a user's argument names: `gpt2` (or another published size), or a directory.

        A directory is one that holds a tokenizer's files (a Hugging Face model, a checkpoint), prepared data, or a run.
        A directory that is itself called gpt2 is written ./gpt2, or given as a Path. Raises TokenizerError.
        """
        if word in _GPT2_NAMES:
            return cls.gpt2()
        return cls.load(tokenizer_directory(Path(word)))

    @staticmethod
    def is_in(directory: str | Path) -> bool:
        """Whether the directory holds a tokenizer's files, readable or not."""
        return has_tokenizer_files(Path(directory))

    def save(self, directory: str | Path) -> None:
        """Write vocab.json, merges.txt, tokenizer.json and tokenizer_config.json; the directory is made if need be."""
        write_tokenizer_files(self._vocabulary, Path(directory))

    @property
    def vocabulary_size(self) -> int:
        """Number of ids; the largest is one less."""
        return self._vocabulary.size

    @property
    def end_of_text_id(self) -> int:
        """Id of the token between documents, which no text encodes to."""
        return self._vocabulary.special[self._vocabulary.end_of_text]

    @property
    def special_tokens(self) -> dict[str, int]:
        """The ids that no text encodes to, by their names: put them between encoded texts, or have names parsed."""
        return dict(self._vocabulary.special)

    def table(self) -> TokenTable:
        """Every id's text and kind, and the merges: what another format of the same vocabulary is written from."""
        return token_table(self._vocabulary)

    @functools.cached_property
    def fingerprint(self) -> str:
        """SHA-256 of all that decides which ids a text gets; the same for a saved and loaded copy."""
        return self._vocabulary.fingerprint()

    @property
    def name(self) -> str:
        """For people: "gpt2", or size and fingerprint as in "bpe-4096-1a2b3c4d"."""
        return "gpt2" if self.fingerprint == GPT2_FINGERPRINT else f"bpe-{self.vocabulary_size}-{self.fingerprint[:8]}"

    def encode(self, text: str, *, special_tokens: SpecialTokens = "text") -> list[int]:
        """Ids of a text. Text that looks like a special token stays text: its id is never in the answer.

        special_tokens: with "parse", the name of a special token becomes its id wherever it stands, as `transformers`
        does it: encode("<|endoftext|>", special_tokens="parse") -> [50256]. Not for text of others, who could end
        documents with it.

        Raises TokenizerError for lone surrogates, which have no UTF-8 form.
        """
        if special_tokens not in get_args(SpecialTokens):
            raise TokenizerError(f"special_tokens is {special_tokens!r}; it must be text or parse.")
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as problem:
            raise TokenizerError(_not_unicode(text, problem.start)) from problem
        names = self._all_names if special_tokens == "parse" else self._plain_tokens
        if names is None:
            return self._encode_ordinary(text)
        ids: list[int] = []
        for place, part in enumerate(names.split(text)):
            # The pattern is one group, so the parts at odd places are what it matched.
            ids += [self._added_id(part)] if place % 2 else self._encode_ordinary(part)
        return ids

    def _added_id(self, name: str) -> int:
        special = self._vocabulary.special
        return special[name] if name in special else self._vocabulary.plain[name]

    def special_names_in(self, text: str) -> int:
        """How many times the names of special tokens stand in a text: what "parse" would make tokens of."""
        return sum(1 for _ in self._special_names.finditer(text))

    def _encode_ordinary(self, text: str) -> list[int]:
        ranks = self._encoding.encode_ordinary(text)
        return ranks if self._id_by_rank is None else [self._id_by_rank[rank] for rank in ranks]

    def encode_bytes(self, content: bytes, *, special_tokens: SpecialTokens = "text") -> list[int]:
        """Ids of any bytes, so that decode_bytes gives them back exactly; special_tokens as in `encode`.

        Valid UTF-8 gets the ids of its text. Where it is not valid, each offending byte becomes its own single-byte
        token, and the valid stretches between are encoded each by itself.
        """
        try:
            return self.encode(content.decode("utf-8"), special_tokens=special_tokens)
        except UnicodeDecodeError:
            pass
        ids: list[int] = []
        # "surrogateescape" turns the offending byte 0xNN into U+DCNN, which valid UTF-8 never decodes to.
        for place, part in enumerate(_ESCAPED_BYTES.split(content.decode("utf-8", "surrogateescape"))):
            if place % 2:
                ids += [self._vocabulary.ordinary[bytes([byte])] for byte in part.encode("utf-8", "surrogateescape")]
            else:
                ids += self.encode(part, special_tokens=special_tokens)
        return ids

    def encode_batch(
        self, texts: Iterable[str], number_of_threads: int = 1, *, special_tokens: SpecialTokens = "text"
    ) -> list[list[int]]:
        """Ids of each text, in order; more threads help from about ten kilobytes per text on."""
        encode = functools.partial(self.encode, special_tokens=special_tokens)
        if number_of_threads == 1:
            return [encode(text) for text in texts]
        with ThreadPoolExecutor(number_of_threads) as pool:
            return list(pool.map(encode, texts))

    def decode(self, ids: Iterable[int]) -> str:
        """Text of the ids; bytes that are not valid UTF-8 become U+FFFD. Raises TokenizerError for an unknown id."""
        return self.decode_bytes(ids).decode("utf-8", "replace")

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """Exact bytes of the ids, a list, array or 1-d tensor; a special token gives its name's bytes."""
        table = self._bytes_by_id
        return b"".join([table[identifier] for identifier in self._checked(ids)])

    def token_bytes(self, identifier: int) -> bytes:
        """Exact bytes of one id: token_bytes(262) -> b" the"."""
        return self._bytes_by_id[self._checked([identifier])[0]]

    def _checked(self, ids: Any) -> list[int]:
        """The ids as ints in range; the engine would panic, and a Python list would count from its end."""
        try:
            checked = [operator.index(identifier) for identifier in (ids.tolist() if hasattr(ids, "tolist") else ids)]
        except TypeError as problem:
            raise TokenizerError(f"token ids must be a flat sequence of whole numbers: {problem}.") from problem
        if checked and not 0 <= min(checked) <= max(checked) < self.vocabulary_size:
            wrong = next(each for each in checked if not 0 <= each < self.vocabulary_size)
            raise TokenizerError(
                f"token id {wrong} is not in the vocabulary of {self.name}, whose ids go from 0 to "
                f"{self.vocabulary_size - 1:,}. Check that these ids were made with this tokenizer."
            )
        return checked

    def __reduce__(self) -> tuple[Callable[..., "Tokenizer"], tuple[Any, ...]]:
        if self.name == "gpt2":  # a name instead of 50,257 tokens for every worker process
            return (_gpt2_tokenizer, ())
        return (Tokenizer, (self._vocabulary,))

    def __repr__(self) -> str:
        return f"<Tokenizer {self.name}: {self.vocabulary_size:,} tokens>"


def _not_unicode(text: str, place: int) -> str:
    """What to do about half a character, which is also how Python hands on a byte of an argument that is no UTF-8."""
    code = ord(text[place])
    if 0xDC80 <= code <= 0xDCFF:
        return (
            f"the text has the byte 0x{code - 0xDC00:02x} at character {place:,}, which is not UTF-8 there. Write it "
            "in UTF-8: set the terminal to it (LANG=C.UTF-8), or convert the text, for example with iconv -t utf-8."
        )
    return (
        f"the text has the lone surrogate U+{code:04X} at character {place:,}, which is half a character and no "
        "Unicode text. Take it out, or write the whole character."
    )


@functools.cache
def _gpt2_tokenizer() -> Tokenizer:
    return Tokenizer(gpt2_vocabulary())


def _any_of(names: Iterable[str]) -> re.Pattern[str]:
    """What finds any of the names, the longest where several begin alike, as its one group."""
    return re.compile("(" + "|".join(map(re.escape, sorted(names, key=len, reverse=True))) + ")")


def _engine(vocabulary: Vocabulary) -> tuple[tiktoken.Encoding, list[int] | None]:
    """The engine of tiktoken, and the id of each of its ranks where these differ.

    tiktoken takes the ids for the priorities of the merges. Nearly all vocabularies number their tokens in merge order;
    a few (RoBERTa's) do not, and get ranks of their own that are turned into ids after encoding.
    """
    merged = [identifier for token, identifier in vocabulary.ordinary.items() if len(token) > 1]
    in_merge_order = all(earlier < later for earlier, later in itertools.pairwise(merged))
    ranks = (
        dict(vocabulary.ordinary) if in_merge_order else {token: rank for rank, token in enumerate(vocabulary.ordinary)}
    )
    encoding = tiktoken.Encoding("gpt25", pat_str=_ENGINE_PATTERN, mergeable_ranks=ranks, special_tokens={})
    return encoding, None if in_merge_order else list(vocabulary.ordinary.values())
