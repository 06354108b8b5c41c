"""Texts and a small vocabulary that the tokenizer's tests share."""

import random

import pytest

from gpt25.tokenizer import Tokenizer

HOSTILE_TEXTS = [
    "",
    " ",
    "  ",
    "   a",
    "a   ",
    "a  b   c    d",
    "\n",
    "\r\n\r\n \r\n\tx",
    "\t\t \n \n\n  end",
    "it's we'll I'm they've you'd don't can'T O'RE 'tis ''s",
    "price: $1,234.56 ½ ² ٣ ⅷ",
    "\x00nul\x00\x00 \x00",
    "\ufeffbyte order mark",
    "e\u0301 combining, é composed",
    "👩‍👩‍👧‍👦 family, 🏳️‍🌈 flag, 🇩🇪, 👍🏽",
    "日本語のテキスト、中文文本。한국어",
    "שלום עולם ؟ مرحبا",
    "zero\u200bwidth\u2060joiners\u00adsoft",
    "no\u00a0break\u3000ideographic\u2028line\u2029paragraph\x85next",
    "\x1c\x1d\x1e\x1f separators that only Python calls white space",
    "<|endoftext|>",
    "before<|endoftext|>after <|endoftext|> <|endoftext",
    "\U0010ffff\ufffe\ue000 odd planes",
    "def f(x):\n    return  x ** 2  # 'quoted' \"twice\"\n\n\n",
    "a" * 300 + " " * 300 + "!" * 300 + "\n" * 300,
    " " * 256 + "x",
    " " * 257 + "x",
    " " * 258 + "x",
    " " * 514 + "\n\nx" + " " * 512,
]

CORPUS = [
    "The quick brown fox jumps over the lazy dog. It's the dog's day, isn't it?\r\n" * 20,
    "for i in range(10):\n        print(i, i ** 2)\n\n" * 20,
    "Ein süßer Bär aß fünf Äpfel; über Öl fließt Wärme. " * 20,
    "日本語のテキスト、日本語の文章。 👩‍👩‍👧 👩‍👩‍👦 aaaa aaa aaaaaaa abababab bababa " * 20,
]


def random_texts(seed: int, count: int, longest: int) -> list[str]:
    """Strings over few characters of every kind, so that merges overlap and white space meets everything."""
    source = random.Random(seed)
    letters = [*"aab bcé1 2!'\n\t\r  ", "\u3000", "\u2028", "\x1c", "'s", "'ll", "the", "👩‍👧", "日本", "\x00"]
    return ["".join(source.choices(letters, k=source.randrange(longest))) for _ in range(count)]


@pytest.fixture(scope="session")
def small() -> Tokenizer:
    """A vocabulary of 400 tokens, learned from CORPUS."""
    return Tokenizer.train(CORPUS, vocabulary_size=400)


@pytest.fixture(scope="session")
def hostile_texts() -> list[str]:
    return HOSTILE_TEXTS


@pytest.fixture(scope="session")
def corpus() -> list[str]:
    return CORPUS


@pytest.fixture(scope="session")
def many_texts() -> list[str]:
    """The hostile texts, the corpus and 2,000 random strings."""
    return [*HOSTILE_TEXTS, *CORPUS, *random_texts(seed=1, count=2000, longest=24)]
