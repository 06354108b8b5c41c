# %% [markdown]
# # 3. The transfer
#
# [Open in Colab](https://colab.research.google.com/github/OWNER/gpt25/blob/main/notebooks/3_the_transfer.ipynb) ·
# [Glossary](../docs/glossary.md) · [All notebooks](../docs/notebooks.md) ·
# [a free T4 runs it too, in float32](../docs/notebooks.md#on-colab-and-what-a-free-t4-does)
#
# A file of weights and a class that has a place for each of them: now one goes into the other, name by name. It is done when
# the logits agree with those of a program that somebody else wrote. On the way lie three traps that give no error message.
#
# **It assumes** the second notebook: the names of the tensors and where they stand.

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
# With a network, or with the Hub's cache, these are OpenAI's weights; without one, those of the small model that the first
# notebook trained. **The outputs kept here are of the small one.** The file has the same names and the same layout.

# %%
from safetensors.torch import load_file

from gpt25.recipes import model_at_hand
from gpt25.weights import resolve_model

MODEL = model_at_hand("runs/lesson", say=print, minutes=3)
stored = load_file(resolve_model(MODEL) / "model.safetensors")  # {name: tensor}, as it lies in the file
stored = {"transformer." + name.removeprefix("transformer."): tensor for name, tensor in stored.items()}
print(f"{len(stored)} tensors, for example:")
for name in ("transformer.wte.weight", "transformer.h.0.attn.c_attn.weight", "transformer.h.0.attn.c_proj.weight"):
    print(f"  {name:36} {tuple(stored[name].shape)}")

# %% [markdown]
# ## An empty model
#
# The class is the package's, with random weights. We also take a text that the model can read, so that there is something
# to compare: its loss, before anything is transferred, is that of pure guessing, ln(vocabulary). (Called with tokens alone a
# model returns logits; called with tokens and the ones that should follow, the *labels*, it returns the pair of logits and
# loss. Labels are the same text, one place further.)

# %%
import math

import torch

from gpt25 import GPTModel, load_pretrained

reference, tokenizer = load_pretrained(MODEL)
model = GPTModel(reference.configuration, generator=torch.Generator().manual_seed(1)).eval()
text = 'def read(self, size=-1):\n    """Read at most size bytes."""\n    return self.stream.read(size)\n'
tokens = torch.tensor([[tokenizer.end_of_text_id, *tokenizer.encode(text)]])  # (1, time)


@torch.no_grad()
def loss_of(model: GPTModel) -> float:
    return float(model(tokens[:, :-1], tokens[:, 1:])[1])  # [1]: of (logits, loss) the loss


print(f"random weights: {loss_of(model):.3f}; guessing: {math.log(model.configuration.vocabulary_size):.3f}")

# %% [markdown]
# ## Name by name
#
# The table of names says for every tensor of ours what OpenAI and Hugging Face call it. We copy wherever the shapes agree and
# list what does not fit.

# %%
from gpt25.weights.names import tensor_names

ours = model.state_dict()
with torch.no_grad():
    refused = []
    for name in tensor_names(model.configuration):
        tensor = stored[name.hugging_face]
        if tensor.shape == ours[name.ours].shape:
            ours[name.ours].copy_(tensor)
        else:
            refused.append(name)
for name in refused[:3]:
    print(f"{name.hugging_face:36} {tuple(stored[name.hugging_face].shape)}, ours is {tuple(ours[name.ours].shape)}")
print(f"{len(refused)} tensors do not fit, {len(refused) // model.configuration.number_of_layers} in every block")

# %% [markdown]
# Three in every block have their sides swapped. OpenAI multiplied from the other side: a convolution of width 1 keeps its
# matrix as (in, out), a PyTorch `Linear` as (out, in). So we transpose those that do not fit:

# %%
with torch.no_grad():
    for name in refused:
        ours[name.ours].copy_(stored[name.hugging_face].t())
print(f"everything has a place; the loss is {loss_of(model):.3f}, and should be {loss_of(reference):.3f}")

# %% [markdown]
# **It is wrong, and nothing complained.** This is the trap of the transfer. There are *four* matrices in every block that
# are transposed, and the fourth, `attn.c_proj`, is square: it fits either way. Shapes cannot tell; only the table can.

# %%
with torch.no_grad():
    for name in tensor_names(model.configuration):
        tensor = stored[name.hugging_face]
        ours[name.ours].copy_(tensor.t() if name.transposed else tensor)
of_a_block = list(tensor_names(model.configuration))[2:14]
print("transposed in every block:", [name.hugging_face.split("h.0.")[1] for name in of_a_block if name.transposed])
print(f"loss {loss_of(model):.6f}, and should be {loss_of(reference):.6f}")

# %% [markdown]
# ## Until the logits agree
#
# A loss can agree by luck; logits cannot. We compare all of them, first with the package's own loading, then with
# `transformers`, which shares no line of code with ours. It is no part of the package, so it may be missing where you are.

# %%
import importlib.util

with torch.no_grad():
    logits = model(tokens)  # (1, time, vocabulary)
    print("load_pretrained:", "equal to the bit" if torch.equal(logits, reference(tokens)) else "different")
    if importlib.util.find_spec("transformers") is not None:
        from transformers import GPT2LMHeadModel
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()
        theirs = GPT2LMHeadModel.from_pretrained(resolve_model(MODEL)).eval()(tokens).logits  # (1, time, vocabulary)
        print(
            f"transformers: the largest difference of {logits.numel():,} logits is {(logits - theirs).abs().max():.1e}"
        )
        print(f"and the logits go from {logits.min():.1f} to {logits.max():.1f}")

# %% [markdown]
# The rest is rounding: two programs add the same numbers in different orders.
#
# **The second trap** is the bend in the perceptron. GPT-2 was trained with an *approximation* of GELU, by tanh. The exact
# one is a curve that no eye can tell from it, and a loss hardly either:

# %%
from torch.nn import functional

inputs = torch.linspace(-4, 4, 801)
difference = (functional.gelu(inputs) - functional.gelu(inputs, approximate="tanh")).abs().max()
print(f"the two GELUs differ by {difference:.5f} at most")

with torch.no_grad():
    stream = model.transformer.embed(tokens)  # (1, time, channels)
    for block in model.transformer.hidden:
        stream = stream + block.attention(block.layer_norm_1(stream))
        perceptron = block.multi_layer_perceptron
        hidden = functional.gelu(
            perceptron.expansion(block.layer_norm_2(stream))
        )  # exact: not what it was trained with
        stream = stream + functional.linear(hidden, perceptron.projection.weight, perceptron.projection.bias)
    exact = model.language_modeling_head(model.transformer.final_layer_norm(stream))  # (1, time, vocabulary)
print(f"logits with the exact one are off by {(exact - logits).abs().max():.1e}, instead of rounding's 1e-5")

# %% [markdown]
# **The third trap** is the head. It is the token embeddings' own matrix; a class that gives it weights of its own has
# 38.6 million too many in the 124M, and random ones if nobody copies them. Ours is one tensor with two names:

# %%
head, embeddings = model.language_modeling_head.weight, model.transformer.word_token_embeddings.weight
print("one tensor:", head is embeddings, "| parameters:", f"{sum(p.numel() for p in model.parameters()):,}")

# %% [markdown]
# **Exercise 1.** Older files hold `h.0.attn.bias` of shape (1, 1, 1024, 1024), which is in none of our tables. It is no bias.
# What is it, and may we leave it out?
#
# <details><summary>Answer</summary>
#
# The causal mask: a triangle of ones, four megabytes in every layer, saved because it was registered as a buffer. It holds
# nothing that was learned, and every implementation makes its own.
# </details>
#
# **Exercise 2.** You transfer all weights correctly but build the model with 6 heads instead of 12. What do you see, in
# shapes, in errors, in the loss?
#
# <details><summary>Answer</summary>
#
# All shapes fit, nothing complains, and the logits are others: every head reads channels of two heads mixed together. How much
# worse the loss becomes depends on how much the heads have learned. For a small model of 900 updates it rose from 2.18 to 2.35
# with four heads in place of two and to 2.87 with one; after 97 updates it hardly changed. Try it: `other =
# GPTModel(dataclasses.replace(reference.configuration, number_of_heads=1)).eval()`, then
# `other.load_state_dict(model.state_dict())` and `loss_of(other)`. A comparison of logits is the only test that finds all of
# these mistakes at once.
# </details>
#
# ## Generation by hand
#
# The model gives logits for every position; the last one's are about the next token. That is all there is to writing:
# temperature, the 50 likeliest, probabilities, a draw, and again.

# %%
prompt = "    def __init__(self"
generator = torch.Generator().manual_seed(42)
indices = torch.tensor([tokenizer.encode(prompt)])  # (1, time)
with torch.no_grad():
    for _ in range(40):
        scores = model(indices[:, -model.configuration.block_size :])[:, -1] / 0.8  # (1, vocabulary)
        likeliest = scores.topk(50)
        probabilities = likeliest.values.softmax(-1)  # (1, 50)
        chosen = torch.multinomial(probabilities, 1, generator=generator)  # (1, 1)
        indices = torch.cat([indices, likeliest.indices.gather(1, chosen)], dim=1)  # (1, time + 1)
print(tokenizer.decode(indices[0]))

# %% [markdown]
# Ten lines. They have one fault: for every new token they read the whole text again. The package keeps the keys and values
# of what was read (a *key-value cache*), runs many texts side by side, and decides the same. At temperature 0 there are no
# dice, so that both must write the same tokens:

# %%
import time

from gpt25 import TextGenerator

start = time.perf_counter()
by_hand = tokenizer.encode(prompt)
with torch.no_grad():
    for _ in range(60):
        by_hand.append(int(model(torch.tensor([by_hand]))[0, -1].argmax()))
seconds_by_hand = time.perf_counter() - start

package = TextGenerator(model, tokenizer)
package.generate(prompt, max_new_tokens=2, temperature=0)  # the first request sets things up
start = time.perf_counter()
(sample,) = package.generate(prompt, max_new_tokens=60, temperature=0)
seconds = time.perf_counter() - start
print(prompt + sample.text)
print("-" * 40)
same = [*tokenizer.encode(prompt), *sample.token_ids] == by_hand[
    : len(tokenizer.encode(prompt)) + len(sample.token_ids)
]
print(f"the same tokens: {same}; by hand {seconds_by_hand:.2f} s, the package {seconds:.2f} s")

# %% [markdown]
# (At temperature 0 a small model soon falls into a loop; that is why one draws.) The longer the text, the larger the
# difference: without a cache, reading a book means reading it again for each of its words.
#
# **Exercise 3.** The loop by hand cuts the text to the last `block_size` tokens. Why is that needed, and why does the
# package rather refuse to write beyond the block size?
#
# <details><summary>Answer</summary>
#
# There is no row for position 1,024 in the positional embeddings: GPT-2 cannot stand there. Cutting keeps the loop alive, but
# silently: every token that falls out of the window is forgotten, all positions shift by one at each step, and no cache can be
# kept. The package says how many tokens fit and lets you decide what to drop.
# </details>
#
# ## And back again
#
# The transfer goes the other way too. `save_pretrained` writes a directory that `transformers` loads unchanged:

# %%
from gpt25 import save_pretrained

save_pretrained(model, tokenizer, "runs/transferred")
again, _ = load_pretrained("runs/transferred")
with torch.no_grad():
    print("the same logits after a round trip:", torch.equal(again(tokens), logits))

# %% [markdown]
# ## Where this leads
#
# We have written "tokens" all along as if they had fallen from the sky. [Next](4_tokens.ipynb): where they come from.
