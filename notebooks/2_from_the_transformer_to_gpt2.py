# %% [markdown]
# # 2. From the Transformer paper to GPT-2
#
# [Open in Colab](https://colab.research.google.com/github/OWNER/gpt25/blob/main/notebooks/2_from_the_transformer_to_gpt2.ipynb) ·
# [Glossary](../docs/glossary.md) · [All notebooks](../docs/notebooks.md) ·
# [a free T4 runs it too, in float32](../docs/notebooks.md#on-colab-and-what-a-free-t4-does)
#
# The Transformer was drawn in 2017 for translation. GPT-2 is half of that drawing with two layer norms moved and one added.
# Here we say what changed and why, write the skeleton until it has every tensor that OpenAI's file has, and then correct a
# table that has been wrong since 2019.
#
# **It assumes** the first notebook. Of PyTorch you need one line: a *module* is a tree of named tensors and further modules,
# `nn.Linear(in, out)` one matrix and a bias, `nn.Embedding(rows, columns)` a table to look rows up in, and `state_dict()`
# lists a tree's tensors by name. No weights are loaded: everything below is about shapes, so that 124 million parameters
# cost no memory.

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
# ## What was left out, and what moved
#
# ```
#      the Transformer (2017)                            GPT-2 (2019)
#
#   encoder            decoder
#
#                    probabilities                        probabilities
#                         |                                     |
#                       linear                        token embeddings, again
#                         |                                     |
#                         |                                LAYER NORM          <- the extra one
#   ┌────────────┐   ┌────────────────┐              ┌─────────────────────┐
#   │            │   │ layer norm     │              │  +<──────────┐      │
#   │            │   │ + feed-forward │              │  |   perceptron     │
#   │ layer norm │   │ layer norm     │              │  |   LAYER NORM     │  <- moved to the input
#   │ + feed-fwd │──>│ + cross-attn   │              │  |───────────┘      │
#   │ layer norm │   │ layer norm     │              │  +<──────────┐      │
#   │ + attention│   │ + causal attn  │              │  | causal attention │
#   │            │   │                │              │  |   LAYER NORM     │  <- moved to the input
#   │            │   │                │              │  |───────────┘      │
#   └────────────┘   └────────────────┘              └─────────────────────┘
#     x 6  |            x 6  |                            x 12  |
#   embeddings +        embeddings +                   token embeddings +
#   sinusoids           sinusoids                      learned positions
# ```
#
# - **Decoder only.** Translation has two texts, one to read and one to write. A language model has one, which it goes on
#   with. The encoder goes.
# - **No cross-attention.** It was the decoder's window to the encoder. Nothing is left to look at, so it goes too.
# - **The layer norms moved** from behind each part, on the main road, to the front of it, in the side road. The main road
#   (the *residual stream*) is now only ever added to: a straight line from the head to the embeddings, through which
#   gradients pass unharmed.
# - **One more layer norm** stands after the last block. Nothing normalises the road itself any more, so that it grows from
#   block to block; the head needs it brought back to one scale.
# - **Learned positions** take the place of the sinusoids: the matrix that the first notebook looked at.
# - **GELU** takes the place of ReLU, the bend between the two matrices of the feed-forward part (here called perceptron).
#   ReLU is 0 below 0 and then a straight line; GELU goes the same way without the corner (Hendrycks and Gimpel 2016).
#
# The norms are GPT-2's own changes, and its paper says both in one sentence of section 2.3; the other four came with GPT-1
# in 2018. What stayed: attention itself, the sums around each part, a perceptron four times as wide as the stream, and a head
# that is the embeddings again.
#
# Is it true that the stream grows? Random weights show it already, and GPT-2's initialisation does what it can against it.

# %%
import torch

from gpt25 import GPTConfiguration, GPTModel

shape = GPTConfiguration(
    block_size=64, vocabulary_size=1000, number_of_layers=12, number_of_heads=4, number_of_embedding_dimensions=128
)
model = GPTModel(shape, generator=torch.Generator().manual_seed(1)).eval()
indices = torch.randint(1000, (8, 64), generator=torch.Generator().manual_seed(2))  # (batch, time)
with torch.no_grad():
    for spread in (0.02, 0.2):  # GPT-2's own, and ten times as much
        for parameter in model.parameters():
            if parameter.dim() == 2 and spread != 0.02:
                parameter *= spread / 0.02
        stream = model.transformer.embed(indices)  # (batch, time, channels)
        sizes = [float(stream.std())]
        for block in model.transformer.hidden:
            stream = block(stream)
            sizes.append(float(stream.std()))
        after = float(model.transformer.final_layer_norm(stream).std())
        print(
            f"initialised with {spread}:",
            " ".join(f"{size:.2f}" for size in sizes),
            f"| after the last norm {after:.2f}",
        )

# %% [markdown]
# **Exercise 1.** GPT-2 initialises the two matrices of each block that write into the stream with 0.02 / √(2 × layers)
# instead of 0.02. Where does the 2 come from, and why a root?
#
# <details><summary>Answer</summary>
#
# Each block writes twice: attention and perceptron. The stream is a sum of 2 × layers contributions that are independent at
# the beginning, so that their *variances* add up. Dividing every contribution's spread by the root of their number keeps
# the variance of the sum what one contribution's would be.
# </details>
#
# ## Five numbers
#
# The paper's Table 2 and section 2.3 give five numbers, and they are all that the shape of a GPT-2 needs.

# %%
import dataclasses

configuration = GPTConfiguration()
for field in dataclasses.fields(configuration)[:5]:
    print(f"{field.name:32} {getattr(configuration, field.name):7,}")

# %% [markdown]
# The class is frozen and checks what it is given. A model whose heads do not divide its channels cannot exist, and the
# message says so before anything is built:

# %%
try:
    GPTConfiguration(number_of_heads=11)
except ValueError as problem:
    print(problem)

# %% [markdown]
# ## The table of shapes
#
# This is what OpenAI's file holds, under our names. The skeleton is finished when nothing of it is missing. A small
# function compares the two.

# %%
from gpt25.weights.names import tensor_names

wanted = {name.ours: name.shape for name in tensor_names(configuration)}
print(f"{len(wanted)} tensors, the first 14:")
for name, size in list(wanted.items())[:14]:
    print(f"  {name:58} {size}")


def hold_against_the_table(skeleton: torch.nn.Module) -> None:
    there = {name: tuple(tensor.shape) for name, tensor in skeleton.state_dict().items()}
    missing = [name for name in wanted if name not in there]
    wrong = [name for name in there if name in wanted and there[name] != wanted[name]]
    besides = [name for name in there if name not in wanted]
    print(f"{len(wanted) - len(missing)} of {len(wanted)} tensors are there; wrong shapes: {wrong}; besides: {besides}")
    if missing:
        print(f"the first that is missing: {missing[0]} {wanted[missing[0]]}")


# %% [markdown]
# `torch.device("meta")` makes tensors that have a shape and no memory. An empty skeleton to begin with, then what stands
# below the blocks: one row for every token, one for every position.

# %%
from torch import nn

channels = configuration.number_of_embedding_dimensions
with torch.device("meta"):
    skeleton = nn.Module()
    skeleton.transformer = nn.ModuleDict()
    hold_against_the_table(skeleton)
    skeleton.transformer["word_token_embeddings"] = nn.Embedding(configuration.vocabulary_size, channels)
    skeleton.transformer["word_positional_embeddings"] = nn.Embedding(configuration.block_size, channels)
    hold_against_the_table(skeleton)

# %% [markdown]
# Then the blocks, as a list so that they have the numbers 0 to 11. First only their layer norms, one in front of each part:

# %%
with torch.device("meta"):
    blocks = [nn.ModuleDict() for _ in range(configuration.number_of_layers)]
    skeleton.transformer["hidden"] = nn.ModuleList(blocks)
    for block in blocks:
        block["layer_norm_1"] = nn.LayerNorm(channels)
        block["layer_norm_2"] = nn.LayerNorm(channels)
    hold_against_the_table(skeleton)

# %% [markdown]
# Attention has two matrices. One makes queries, keys and values of every token, side by side; the other mixes what the heads
# found and writes it into the stream.

# %%
with torch.device("meta"):
    for block in blocks:
        block["attention"] = nn.ModuleDict()
        block["attention"]["query_key_value"] = nn.Linear(channels, 3 * channels)
        block["attention"]["projection"] = nn.Linear(channels, channels)
    hold_against_the_table(skeleton)

# %% [markdown]
# The perceptron has two as well: four times as wide, and back.

# %%
with torch.device("meta"):
    for block in blocks:
        block["multi_layer_perceptron"] = nn.ModuleDict()
        block["multi_layer_perceptron"]["expansion"] = nn.Linear(channels, 4 * channels)
        block["multi_layer_perceptron"]["projection"] = nn.Linear(4 * channels, channels)
    hold_against_the_table(skeleton)

# %% [markdown]
# Two are missing, and they are the extra layer norm. Then the head, which has no tensor of its own: it borrows the token
# embeddings.

# %%
with torch.device("meta"):
    skeleton.transformer["final_layer_norm"] = nn.LayerNorm(channels)
    skeleton.language_modeling_head = nn.Linear(channels, configuration.vocabulary_size, bias=False)
    skeleton.language_modeling_head.weight = skeleton.transformer["word_token_embeddings"].weight
    hold_against_the_table(skeleton)
print(f"{sum(parameter.numel() for parameter in skeleton.parameters()):,} parameters")

# %% [markdown]
# Nothing is missing. In one piece, as a class that takes the configuration:


# %%
class SkeletonBlock(nn.Module):
    def __init__(self, configuration: GPTConfiguration) -> None:
        super().__init__()
        channels = configuration.number_of_embedding_dimensions
        self.layer_norm_1 = nn.LayerNorm(channels, eps=configuration.layer_norm_epsilon)
        self.attention = nn.ModuleDict(
            {"query_key_value": nn.Linear(channels, 3 * channels), "projection": nn.Linear(channels, channels)}
        )
        self.layer_norm_2 = nn.LayerNorm(channels, eps=configuration.layer_norm_epsilon)
        self.multi_layer_perceptron = nn.ModuleDict(
            {"expansion": nn.Linear(channels, 4 * channels), "projection": nn.Linear(4 * channels, channels)}
        )


class SkeletonOfGPT(nn.Module):
    def __init__(self, configuration: GPTConfiguration) -> None:
        super().__init__()
        channels = configuration.number_of_embedding_dimensions
        self.transformer = nn.ModuleDict(
            {
                "word_token_embeddings": nn.Embedding(configuration.vocabulary_size, channels),
                "word_positional_embeddings": nn.Embedding(configuration.block_size, channels),
                "hidden": nn.ModuleList(SkeletonBlock(configuration) for _ in range(configuration.number_of_layers)),
                "final_layer_norm": nn.LayerNorm(channels, eps=configuration.layer_norm_epsilon),
            }
        )
        self.language_modeling_head = nn.Linear(channels, configuration.vocabulary_size, bias=False)
        self.language_modeling_head.weight = self.transformer["word_token_embeddings"].weight


with torch.device("meta"):
    hold_against_the_table(SkeletonOfGPT(configuration))
    print("the package's own:", end=" ")
    hold_against_the_table(GPTModel(configuration))

# %% [markdown]
# A skeleton does not walk: it has no `forward`. The package's has, and the core of it is two lines, in
# `gpt25/model/block.py`:
#
# ```python
# stream = stream + self.attention(self.layer_norm_1(stream))
# return stream + self.multi_layer_perceptron(self.layer_norm_2(stream))
# ```
#
# **Exercise 2.** Which of the five numbers cannot be read from the table of shapes, and so not from the weights themselves?
# What else decides the logits and has no tensor?
#
# <details><summary>Answer</summary>
#
# The number of heads. 12 heads of 64 channels and 6 of 128 have the same matrices; load the weights with the wrong number
# and nothing complains, but the text is rubbish. That is why a model directory has a `config.json`. Without a tensor are also
# the causal mask, the division by √64 before the softmax, the kind of GELU (its tanh approximation), the epsilon of the layer
# norms, and that positions are added rather than concatenated.
# </details>
#
# **Exercise 3.** Write down, from memory, the two lines of a block of the *Transformer* (post-norm), and say what happens to
# a gradient on its way from the head to the first block in either.
#
# <details><summary>Answer</summary>
#
# `stream = norm_1(stream + attention(stream))` and `stream = norm_2(stream + feed_forward(stream))`. There every gradient
# passes through all norms, 2 × layers of them, and each rescales it; deep post-norm models need a careful warm-up or do not
# train at all. In GPT-2 the sums have a derivative of 1 with respect to the stream: a gradient reaches the first block
# directly as well.
# </details>
#
# ## The table that is wrong
#
# The paper lists four models as 117M, 345M, 762M and 1542M. OpenAI's repository later remarked that its counts "were wrong
# due to an error" and went on with 124M, 355M, 774M and 1558M. We can count.
#
# A block has 12 × channels² weights in its four matrices (3 + 1 + 4 + 4), and 13 × channels biases and norms (3 + 1 + 4 + 1
# biases, 4 in the two norms). Below the blocks stand vocabulary × channels and 1,024 × channels, above them the last norm,
# 2 × channels.

# %%
from gpt25.model import PUBLISHED_CONFIGURATIONS, Accounting

paper = {"gpt2": 117, "gpt2-medium": 345, "gpt2-large": 762, "gpt2-xl": 1542}


def count(shape: GPTConfiguration, vocabulary: int) -> int:
    channels, layers = shape.number_of_embedding_dimensions, shape.number_of_layers
    return vocabulary * channels + 1024 * channels + layers * (12 * channels**2 + 13 * channels) + 2 * channels


for name, shape in PUBLISHED_CONFIGURATIONS.items():
    right = count(shape, 50_257)
    assert right == Accounting(shape).parameters
    print(f"{name:12} {right:13,} parameters; the paper says {paper[name]}M, {right / 1e6 - paper[name]:.1f}M less")

# %% [markdown]
# The differences are no noise: they grow with the channels, as if the vocabulary had been smaller. Then let us ask the paper
# which vocabulary it counted with. Each of its figures, rounded to a million, allows a range:

# %%
lowest, highest = 0, 10**9
for name, shape in PUBLISHED_CONFIGURATIONS.items():
    channels = shape.number_of_embedding_dimensions
    low = (paper[name] * 1e6 - 5e5 - count(shape, 0)) / channels
    high = (paper[name] * 1e6 + 5e5 - count(shape, 0)) / channels
    lowest, highest = max(lowest, low), min(highest, high)
    print(f"{paper[name]:5}M comes out with a vocabulary of {low:9,.0f} to {high:9,.0f}")
print(f"all four:          {lowest:9,.0f} to {highest:9,.0f}")

# %% [markdown]
# One range fits all four, and it is narrow. **GPT-1 had a vocabulary of 40,478 tokens**, which lies in it. OpenAI never said
# what the error was; but whoever counts the four GPT-2s with GPT-1's vocabulary gets the paper's table, all of it:

# %%
for name, shape in PUBLISHED_CONFIGURATIONS.items():
    print(
        f"{name:12} {count(shape, 40_478):13,} -> {count(shape, 40_478) / 1e6:.0f}M, and the paper says {paper[name]}M"
    )

# %% [markdown]
# **Exercise 4.** Which part of the 124M's parameters are embeddings, and which of the 1558M's? Why do scaling laws often
# leave them out?
#
# <details><summary>Answer</summary>
#
# `Accounting(shape).embedding_parameters / Accounting(shape).parameters`: 32 % and 5 %. A token's row is only read, never
# multiplied with anything else at the bottom, and the positions neither, so that they cost no arithmetic there; and their
# share depends on the size in a way that has nothing to do with depth or width. (As the head, the same matrix does cost
# arithmetic.)
# </details>
#
# ## Where this leads
#
# The skeleton has a place for every tensor. Next we [fill it with OpenAI's](3_the_transfer.ipynb), name by name, until the
# logits agree.
