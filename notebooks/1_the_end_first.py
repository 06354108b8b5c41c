# %% [markdown]
# # 1. The end first
#
# [Open in Colab](https://colab.research.google.com/github/OWNER/gpt25/blob/main/notebooks/1_the_end_first.ipynb) ·
# [Glossary](../docs/glossary.md) · [All notebooks](../docs/notebooks.md) ·
# [a free T4 runs it too, in float32](../docs/notebooks.md#on-colab-and-what-a-free-t4-does)
#
# Seven notebooks go from a finished GPT-2 to one of your own. We begin where others end: a trained model is loaded, and
# we look at every number in it before a line of it is written. What a thing is for is easier to learn when it is there.
#
# **It assumes** that you read Python and know what a matrix is. Nothing about language models: their words are in the
# [glossary](../docs/glossary.md). (A *tensor* is an array of numbers with any number of axes; a matrix is one with two.)

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
# ## Which model you see
#
# OpenAI released GPT-2 in four sizes; the smallest has 124 million parameters and is simply called `gpt2`. With a network
# the next cell fetches it (548 MB, once). Without one it trains a small GPT-2 right here, for about three minutes on two
# cores, on the only text that every Python carries: its own standard library. Both are exactly the same kind of model, so
# that every cell below works on either.
#
# **The outputs that are kept on this page were made without a network: they show the small model.** Run the notebook
# with one, and the same cells show OpenAI's.

# %%
from gpt25 import load_pretrained
from gpt25.recipes import model_at_hand

MODEL = model_at_hand("runs/lesson", say=print, minutes=3)  # or name one: "gpt2-medium", "runs/mine"
model, tokenizer = load_pretrained(MODEL)
model

# %% [markdown]
# ## Keys and shapes
#
# A model on the disk is a file of named arrays and nothing else. Here are the first of them as the file itself has them:
# everything before the blocks, the first block, and what comes after the last one.

# %%
from safetensors import safe_open

from gpt25.weights import resolve_model

with safe_open(resolve_model(MODEL) / "model.safetensors", "pt") as file:
    names = file.keys()
    shapes = {name.removeprefix("transformer."): file.get_slice(name).get_shape() for name in names}

order = ["wte", "wpe", "h", "ln_f"]
shown = [
    name for name in shapes if name.split(".")[0] in order and (not name.startswith("h.") or name.startswith("h.0."))
]
for name in sorted(shown, key=lambda name: order.index(name.split(".")[0])):
    print(f"{name:24}", *shapes[name])
print(f"… and as many for each of the other {model.configuration.number_of_layers - 1} blocks")

# %% [markdown]
# The names are short because they were typed often. In words:

# %%
from gpt25.weights import GLOSSARY

for short, words in GLOSSARY.items():
    print(f"{short:12} {words}")

# %% [markdown]
# **Why `c_attn` is no cross-attention.** The letter suggests it, and many a lesson says so. But the `c` stands in `c_fc`
# and `c_proj` as well, which attend to nothing. OpenAI wrote every matrix product of a block as a *convolution* of width 1
# (`conv1d` in its code), and that is the `c`. GPT-2 has no encoder that it could look across to.
#
# The shapes say the same. `c_attn` turns the channels of a token into three times as many: a query, a key and a value,
# all three from the same token. Cross-attention would take keys and values from somewhere else, and would need a matrix of
# its own for them.
#
# **Exercise 1.** The released 124M has `c_attn.weight` of 768 × 2304 and `c_fc.weight` of 768 × 3072. Where do 2304 and
# 3072 come from, and why does `lm_head` not stand in most files?
#
# <details><summary>Answer</summary>
#
# 2304 = 3 × 768: query, key and value side by side. 3072 = 4 × 768: the multi-layer perceptron widens every token
# fourfold. `lm_head` would be the token embeddings a second time: the same matrix reads tokens at the bottom and scores
# them at the top ("tied"), so that it is stored once.
# </details>

# %% [markdown]
# In this package the names are written out. One table, in `gpt25/weights/names.py`, connects ours with OpenAI's; this is
# what `gpt25 show` prints from it. (Where a shape is turned around, the file holds the transpose: notebook 3.)

# %%
from gpt25.weights import describe_model

description = describe_model(resolve_model(MODEL))
for tensor in description["tensors"][:8]:
    print(f"{tensor['hugging_face_name']:36} {tensor['name']:52} {tensor['shape']}")
print(f"{description['parameters']:,} parameters in {len(description['tensors'])} tensors")

# %% [markdown]
# ## The first twenty numbers of the positions
#
# A transformer sees all tokens at once and would not know their order. GPT-2 therefore *adds* a vector to every token that
# says where it stands: row 0 for the first token, row 1 for the second. `wpe` is the matrix of these rows. In OpenAI's
# model it has 1,024 rows of 768 numbers, 786,432 in all; the first twenty belong to the first token.

# %%
from gpt25.references.openai_weights import OPENAI_WEIGHTS

positions = model.transformer.word_positional_embeddings.weight.detach()  # (positions, channels)
print("shape:", tuple(positions.shape), "so", f"{positions.numel():,}", "numbers")
print("here:    ", " ".join(f"{number:7.4f}" for number in positions.flatten()[:20]))
print("OpenAI's:", " ".join(f"{number:7.4f}" for number in OPENAI_WEIGHTS["gpt2"].first_position_values))

# %% [markdown]
# The second line is what others printed of OpenAI's weights. If you have loaded those, the two lines agree to the last
# digit shown; `gpt25 doctor --reference gpt2` checks much more than that.
#
# Twenty numbers say nothing. The whole matrix does: each row is a position, each column a channel, grey from low to high.

# %%
from gpt25 import figures

figures.position_image(model, name=MODEL)

# %% [markdown]
# ## Single columns
#
# Follow one column from the first position to the last and you have a curve. In OpenAI's model the columns 150, 200 and
# 250 are shown (a habit of lessons on GPT-2); a smaller model takes three that it has.

# %%
figures.positions(model, names=[MODEL])

# %% [markdown]
# ## What they learned
#
# The Transformer paper ("Attention Is All You Need", Vaswani et al. 2017) did not learn positions. It computed them: every column a sine or cosine, each with its own
# wavelength. GPT-2 starts every one of these numbers as noise and lets training find something. What does it find?
# In OpenAI's model: sines and cosines again, of few periods, drawn by a shaky hand. Nobody asked for them.
#
# We can ask how much of a column is one wave. The spectrum distributes a column's variance over frequencies; noise spreads
# it evenly, a sinusoid puts all of it into one. (A slow drift counts as the slowest wave.)

# %%
import matplotlib.pyplot as plt
import numpy as np

from gpt25.inspection import position_spectrum, positional_embeddings

learned = positional_embeddings(model)  # (positions, channels)
count, channels = learned.shape
wavelengths = 10_000 ** (np.arange(0, channels, 2) / channels)  # Vaswani et al. 2017, section 3.5
computed = np.repeat(np.arange(count)[:, None] / wavelengths, 2, axis=1)  # (positions, channels)
computed[:, 0::2], computed[:, 1::2] = np.sin(computed[:, 0::2]), np.cos(computed[:, 1::2])
noise = np.random.default_rng(0).normal(size=learned.shape)

figure, panel = plt.subplots(figsize=(8, 3))
for name, matrix in {"learned here": learned, "computed, as in 2017": computed, "noise": noise}.items():
    strongest = np.sort(position_spectrum(matrix).max(axis=0))[::-1]  # (channels): share of the strongest frequency
    panel.plot(strongest, label=name)
panel.set(xlabel="channels, the purest first", ylabel="share of its strongest frequency", ylim=(0, 1))
panel.set_title("How much of a column is a single wave")
_ = panel.legend(frameon=False)

# %% [markdown]
# ## Why the noise means under-trained
#
# Before training a column is pure noise. Every update pulls neighbouring positions towards what is useful, and what is
# useful at position 500 is nearly the same at 501: a fully trained column would be smooth. What is left of the jitter is
# what training has not yet worn away. OpenAI's curves are visibly shaky, and its paper agrees: "all models still underfit
# WebText" (section 3), the loss on held-out text was still falling when training ended.
#
# *Roughness* puts it in one number: the part of the variance that is noise from one position to the next. White noise has
# 1, a smooth curve nearly 0. A run keeps checkpoints, so that we can watch it fall.

# %%
from gpt25.inspection import overall_roughness
from gpt25.records import RunDirectory

print(f"{MODEL}: roughness {overall_roughness(learned):.3f}")
checkpoints = RunDirectory(MODEL).checkpoints() if MODEL.startswith("runs/") else []
for checkpoint in checkpoints:
    early, _ = load_pretrained(checkpoint.path)
    print(f"  after update {checkpoint.update:5,}: {overall_roughness(positional_embeddings(early)):.3f}")

# %% [markdown]
# Compare a model with itself, or with its like. Roughness also depends on how far positions move: the small model's recipe
# moves embeddings at a rate of 0.03, fifty times what is usual at 124M, so that what it learns soon dwarfs the noise that it
# began with (its twenty numbers above are many times OpenAI's). Its positions come out smooth within minutes, and that does
# not make it the better model.
#
# **Exercise 2.** Could a model be under-trained and still have smooth positions? And what would the roughness of the
# computed sinusoids of 2017 be? Guess, then try `overall_roughness(computed)`.
#
# <details><summary>Answer</summary>
#
# Yes: positions that were initialised smooth, or as zeros, would stay smooth from the beginning, and so would positions
# that weight decay has shrunk to nothing. The measure works because GPT-2 begins with noise. The computed ones come
# out at about 0.01: even the quickest column, a wave of 6.3 positions, has no more than 0.14, and all others have less.
# </details>

# %% [markdown]
# ## Five samples
#
# A language model does one thing: it gives every token of its vocabulary a probability of being next. Draw one, append it,
# ask again, and a text grows. Five continuations of the same words differ because the draws differ.

# %%
from gpt25 import TextGenerator

generator = TextGenerator(model, tokenizer)
prompt = "Hello, I'm a language model,"
for sample in generator.generate(prompt, samples=5, max_new_tokens=43, top_k=50, seed=42):
    print(">", prompt + sample.text, "\n")

# %% [markdown]
# OpenAI's model goes on in English that is fluent and goes nowhere. The small model has read nothing but Python, so it
# does what it can. Ask it something from its own world:

# %%
for sample in generator.generate(
    "def __init__(self, ", samples=2, max_new_tokens=60, temperature=0.8, top_k=50, seed=1
):
    print("def __init__(self, " + sample.text, "\n" + "-" * 40)

# %% [markdown]
# **Exercise 3.** Somebody else's page shows other samples of the same model, the same prompt and the same seed. Is one of
# them wrong? What would have to agree word by word?
#
# <details><summary>Answer</summary>
#
# A seed only fixes the stream of random numbers, and every library uses that stream differently: in another order, one
# number for each sample or one for all. What must agree is everything before the dice: the logits, and so the greedy
# continuation (`temperature=0`), which always takes the likeliest token. `OPENAI_WEIGHTS["gpt2"].continuations` holds
# greedy ones that other libraries printed.
# </details>

# %%
for seed in (1, 2):
    (greedy,) = generator.generate(prompt, max_new_tokens=12, temperature=0, seed=seed)
    print(repr(greedy.text))

# %% [markdown]
# Two seeds, one text: at temperature 0 there are no dice.
#
# **Exercise 4.** Sample at `temperature=0.2` and at `temperature=2`. What happens to the texts, and why does neither give
# you the model's "real" distribution?
#
# <details><summary>Answer</summary>
#
# Logits are divided by the temperature before they become probabilities. 0.2 makes the likeliest tokens likelier still:
# the text is safe and repeats itself. 2 flattens the distribution until rare tokens are drawn all the time, and one absurd
# token leads to the next. Only temperature 1 without `top_k` draws from what the model believes.
# </details>
#
# ## Where this leads
#
# You have seen every tensor of a GPT-2 and what comes out at the end. Next: [how that model differs from the
# Transformer](2_from_the_transformer_to_gpt2.ipynb), and its skeleton, written until every shape above is accounted for.
