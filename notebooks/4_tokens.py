# %% [markdown]
# # 4. Tokens
#
# [Open in Colab](https://colab.research.google.com/github/OWNER/gpt25/blob/main/notebooks/4_tokens.ipynb) ·
# [Glossary](../docs/glossary.md) · [All notebooks](../docs/notebooks.md) ·
# [a free T4 runs it too, in float32](../docs/notebooks.md#on-colab-and-what-a-free-t4-does)
#
# A model reads numbers, people write text. Between them stands a table that was made once, by counting, and never learned
# anything afterwards. Much that looks like a quirk of the model is a quirk of this table.
#
# **It assumes** nothing of the other notebooks. (A *vocabulary* is the list of all tokens that a model knows, each with its
# number.) It needs no model and no network: GPT-2's own vocabulary is in the package.

# %%
try:
    import gpt25
except ModuleNotFoundError:  # on Colab; elsewhere `pip install -e '.[notebooks]'` in the repository did it
    import subprocess
    import sys

    address = "git+https://github.com/OWNER/gpt25"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", address], check=True)
    import gpt25

gpt25.__version__

# %% [markdown]
# ## From bytes
#
# Text is bytes already: UTF-8 writes every character as one to four of them. A vocabulary of 256 tokens would do, and would
# never meet a text that it cannot read. It would only be slow: one token a byte.

# %%
for text in ("a", "é", "語", "🙂", "naïve"):
    print(f"{text!r:8} {list(text.encode('utf-8'))}")

# %% [markdown]
# ## To merges
#
# Byte-pair encoding starts there and shortens. Count which two neighbours stand side by side most often, make a token of
# the pair, replace it everywhere, and count again. Every round adds one token. By hand, on one sentence:

# %%
from collections import Counter
from itertools import pairwise

text = "the cat sat on the mat, the rat sat on the cat; that is that"
pieces = [bytes([byte]) for byte in text.encode("utf-8")]
print(f"   {len(pieces)} tokens")
for number in range(1, 9):
    (left, right), times = Counter(pairwise(pieces)).most_common(1)[0]
    merged, place = [], 0
    while place < len(pieces):
        together = pieces[place : place + 2] == [left, right]
        merged.append(left + right if together else pieces[place])
        place += 2 if together else 1
    pieces = merged
    print(f"{number}: {left!r} + {right!r}, {times} times -> {len(pieces)} tokens")
print(pieces)

# %% [markdown]
# Look at what it learned: `b'at sat '`, a word and a half with its spaces. Left to itself, the counting glues words to their
# spaces, to commas and to each other, and a vocabulary fills up with `cat`, `cat,`, `cat;` and `cat.`. GPT-2 forbids that: a
# text is first split into pieces, and merges never cross from one piece to the next.
#
# ## The splitting rule, clause by clause
#
# The rule is one regular expression. It tries its clauses from left to right and takes the first that fits.

# %%
import regex

from gpt25.tokenizer.vocabulary import SPLIT_PATTERN

print(SPLIT_PATTERN, "\n")
clauses = {
    "'s|'t|'re|'ve|'m|'ll|'d": "the endings that English glues on with an apostrophe",
    r" ?\p{L}+": "letters of any script, with at most one space in front",
    r" ?\p{N}+": "digits, likewise: letters and digits never share a token",
    r" ?[^\s\p{L}\p{N}]+": "what is neither: punctuation, signs, emoji",
    r"\s+(?!\S)": "white space up to, but not including, the last one before a word",
    r"\s+": "whatever white space is left",
}
assert "|".join(clauses) == SPLIT_PATTERN
text = "I'd say we've 2 cats:   3 in  1912!\n\n\tIT'S so… naïve 🙂"
print(repr(text))
for found in regex.finditer(SPLIT_PATTERN, text):
    fits = {clause: regex.compile(clause).match(text, found.start()) for clause in clauses}
    clause = next(clause for clause, match in fits.items() if match is not None)
    print(f"{found[0]!r:10} {clause:26} {clauses[clause]}")

# %% [markdown]
# **Exercise 1.** `IT'S` came apart as `IT`, `'`, `S`, but `we've` as `we`, `'ve`. Why? And why does `cats:   3` leave two
# spaces by themselves?
#
# <details><summary>Answer</summary>
#
# The first clause knows small letters only: OpenAI forgot upper case (later vocabularies ignore case there). Of three spaces
# the clause `\s+(?!\S)` takes all but the last, since no non-space may follow what it takes; the last one goes with the 3, so
# that ` 3` is the same token wherever it stands.
# </details>
#
# ## GPT-2's own vocabulary
#
# 256 bytes, 50,000 merges and one token that no text can spell, `<|endoftext|>`: 50,257. A merge's number is its age: low ids
# are frequent, high ones rare.

# %%
from gpt25 import Tokenizer
from gpt25.inspection import token_labels

gpt2 = Tokenizer.gpt2()
print("the first merges, with Ġ for a space:", gpt2.table().merges[:8])
for text in ("Hello, I'm a language model,", "antidisestablishmentarianism", "12 1234 123456", "naïve 🙂 語"):
    token_ids = gpt2.encode(text)
    print(f"{len(token_ids):2} tokens: {token_labels(gpt2, token_ids)}")

# %% [markdown]
# Numbers come in odd pieces, which is one reason why GPT-2 is bad at sums: to it, 1234 and 12345 have nothing in common.
# A character that is rare takes several tokens, each a part of its bytes.
#
# ## What a space costs
#
# A word at the beginning of a line and the same word behind a space are two tokens that have nothing to do with each other
# until training shows that they mean the same. And white space itself is not free:

# %%
for text in ("hello", " hello", "Hello", " Hello", "HELLO"):
    print(f"{text!r:9} {gpt2.encode(text)}")
code = "def f(x):\n        if x:\n            return x\n"
print(
    f"\n{len(gpt2.encode(code))} tokens, {sum(not gpt2.decode([each]).strip() for each in gpt2.encode(code))} of them blank:"
)
print(token_labels(gpt2, gpt2.encode(code)))

# %% [markdown]
# GPT-2's vocabulary was counted on web pages. Eight spaces in front of a line of Python are seven tokens of one space each and
# one that joins the word: two thirds of the tokens above are blank. A vocabulary that was counted on programs has tokens for
# whole indents.
#
# **Exercise 2.** You ask a model to go on with `"The answer is "`, with a space at the end, and the text gets worse than
# without it. Why?
#
# <details><summary>Answer</summary>
#
# In nearly all text that it was trained on, the space belongs to the *next* token: ` yes`, ` 42`. A prompt that ends in a lone
# space has a token there (220) that almost never comes before a word, and what may follow must be a word without its
# space, which is rare in the middle of a line. Leave the space to the model.
# </details>
#
# ## Text is never a command
#
# `<|endoftext|>` separates documents. If somebody writes those 13 characters into a text, they must stay characters unless the
# caller asks otherwise. (Only the server's API reads the name as the token by default, as OpenAI's does;
# `special_tokens: "text"` turns that off.)

# %%
print(
    gpt2.encode("<|endoftext|>"), "is the text;", gpt2.encode("<|endoftext|>", special_tokens="parse"), "is the token"
)

# %% [markdown]
# ## Training a vocabulary
#
# Now on a real text: a part of Python's standard library. How much does the size of the vocabulary bring?

# %%
import time

from gpt25.data import standard_library_documents

documents = [document.content.decode("utf-8") for document in list(standard_library_documents())[::8]]
held_out, training = documents[::10], [text for number, text in enumerate(documents) if number % 10]
number_of_bytes = sum(len(text.encode("utf-8")) for text in held_out)
print(f"{sum(map(len, training)) / 1e6:.1f} million characters to count, {number_of_bytes / 1e3:,.0f} kB held out")
trained = {}
for size in (257, 512, 1024, 2048, 4096):
    start = time.perf_counter()
    trained[size] = Tokenizer.train(training, vocabulary_size=size)
    seconds = time.perf_counter() - start
    number_of_tokens = sum(map(len, trained[size].encode_batch(held_out)))
    print(f"{size:6,} tokens: {number_of_bytes / number_of_tokens:.2f} bytes per token, {seconds:.1f} s")
number_of_tokens = sum(map(len, gpt2.encode_batch(held_out)))
print(f"GPT-2's {gpt2.vocabulary_size:,}: {number_of_bytes / number_of_tokens:.2f} bytes per token")
print(
    "our token for eight spaces and more:",
    [label for label in token_labels(trained[4096], range(4096)) if label.startswith("·" * 8)],
)

# %% [markdown]
# Doubling the vocabulary buys less every time. And it is not free: every token is a row of the embeddings, and the head
# multiplies by all of them for every token that is predicted. In a small model the vocabulary soon is the model:

# %%
from gpt25.model import Accounting, GPTConfiguration

for size in (512, 4096, 50_257):
    shape = GPTConfiguration(
        block_size=128, vocabulary_size=size, number_of_layers=4, number_of_heads=2, number_of_embedding_dimensions=128
    )
    accounting = Accounting(shape)
    print(
        f"{size:6,}: {accounting.parameters:9,} parameters, {accounting.embedding_parameters / accounting.parameters:.0%} of them embeddings"
    )

# %% [markdown]
# **Exercise 3.** Which vocabulary is best for a small model that you train for three minutes? What pulls up, what pulls down?
#
# <details><summary>Answer</summary>
#
# Up: fewer tokens for the same text, so that a block holds more of it and an update sees more of it. Down: rarer tokens, each
# seen less often, and a larger head to multiply by. The quickstart settled on 4,096, by measurement
# (`docs/log/quickstart.md`): with 8,192 an update took 1.6 times as long.
# </details>
#
# ## Why bits per byte compare
#
# A loss is *per token*. A model whose tokens are longer has harder guesses to make and fewer of them, so that its loss is
# higher even where it is no worse. Two models with different vocabularies cannot be compared by their losses.
#
# What both have in common is the text. Take the loss of the whole text in bits and divide by its bytes:
#
# bits per byte = nats per token / ln 2 × tokens / bytes
#
# The simplest model there is makes the point. It knows nothing but how often each token occurs. Five vocabularies, five
# losses per token, and only the last column can be compared:

# %%
import math

print("vocabulary  nats per token  bits per byte")
for size, tokenizer in trained.items():
    counts = Counter(token for ids in tokenizer.encode_batch(training) for token in ids)
    total = sum(counts.values()) + size  # one more of each, so that none is impossible
    ids = [token for each in tokenizer.encode_batch(held_out) for token in each]
    loss = -sum(math.log((counts[token] + 1) / total) for token in ids) / len(ids)
    print(f"{size:10,} {loss:15.3f} {loss / math.log(2) * len(ids) / number_of_bytes:14.3f}")

# %% [markdown]
# The loss goes up from row to row, and the model gets *better* from row to row: longer tokens have the frequent letters after
# letters built in. Bits per byte also compare with what is no language model at all, such as `xz`, whose output simply has a
# length:

# %%
import lzma

content = "".join(held_out).encode("utf-8")
print(f"xz: {8 * len(lzma.compress(content, preset=9)) / len(content):.3f} bits per byte")

# %% [markdown]
# **Exercise 4.** A paper reports a perplexity per *word* for a model that works on tokens. How can that be computed, and what
# must you know before you compare it with another?
#
# <details><summary>Answer</summary>
#
# Add up the loss of all tokens, divide by the number of words instead of tokens, and take exp. That is fair between
# vocabularies, as bits per byte are. But one has to know what was counted as a word (WikiText counts `<unk>`, punctuation
# and line ends), and whether the text was changed before it was tokenized, as the GPT-2 paper's de-tokenisers do.
# </details>
#
# ## Where this leads
#
# Text has become numbers, and the model has a place for each. [Next](5_training.ipynb): how it learns.
