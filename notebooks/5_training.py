# %% [markdown]
# # 5. Training
#
# [Open in Colab](https://colab.research.google.com/github/OWNER/gpt25/blob/main/notebooks/5_training.ipynb) ·
# [Glossary](../docs/glossary.md) · [All notebooks](../docs/notebooks.md) ·
# [a free T4 runs it too, in float32](../docs/notebooks.md#on-colab-and-what-a-free-t4-does)
#
# Training is one sentence: guess the next token, see which one came, move every weight a little towards having guessed it.
# Everything else is about doing that fast and not breaking it. Here each step is tried **on your machine** and its gain
# measured there; what helps on another machine may not help on yours, and some of it only helps at sizes that fit no
# notebook. We say which.
#
# **It assumes** the second notebook (what a GPT-2 is made of), the fourth (what a vocabulary costs), and that you know what a
# gradient is: for every weight, how the loss changes as it changes. In PyTorch `loss.backward()` leaves it in the weight's
# `.grad`, and an optimizer's `step()` moves the weights by it.

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
# ## A small world
#
# A model small enough that an update takes hundredths of a second, and a text to go with it: every eighth file of Python's
# standard library in a vocabulary of 512. What is held out is never trained on. (The vocabulary has seen it: it is counted
# on all of these files, which can make held-out words a little shorter in tokens and is the same for every variant below. The
# quickstart counts on what it trains on alone.)

# %%
import shutil

from gpt25 import Tokenizer
from gpt25.data import open_shards, prepare, standard_library_documents

shutil.rmtree("runs/ladder", ignore_errors=True)
documents = list(standard_library_documents())[::8]
tokenizer = Tokenizer.train([document.content.decode("utf-8") for document in documents], vocabulary_size=512)
prepare(documents, tokenizer, "runs/ladder/data", validation_fraction=0.1, split_rule="content", number_of_processes=1)
training, validation = open_shards("runs/ladder/data", "train"), open_shards("runs/ladder/data", "validation")
print(f"{training.number_of_tokens:,} tokens to train on, {validation.number_of_tokens:,} held out")

# %% [markdown]
# A recipe is a frozen object. We take the quickstart's and make it smaller; every variant below is this one with a field or
# two replaced. It begins plainly: AdamW at one constant rate, in float32.

# %%
import torch

from gpt25.recipes import load_recipe
from gpt25.runtime import choose_device, choose_precision
from gpt25.training import TrainingConfiguration

UPDATES = 200
quick = load_recipe("quickstart")


def changed(recipe: TrainingConfiguration, **sections: dict) -> TrainingConfiguration:
    from dataclasses import replace

    return replace(recipe, **{name: replace(getattr(recipe, name), **values) for name, values in sections.items()})


plain = changed(
    quick,
    model={"vocabulary_size": 512, "number_of_layers": 2, "number_of_embedding_dimensions": 64},
    batch={"tokens_per_update": 1024, "micro_batch_rows": 8},
    optimizer={"name": "adamw", "peak_learning_rate": 3e-3, "weight_decay": 0.1},
    schedule={"name": "constant", "warm_up_updates": 5},
    loop={
        "number_of_updates": UPDATES,
        "validation_interval_in_updates": UPDATES // 4,
        "samples_interval_in_updates": UPDATES,
        "checkpoint_interval_in_updates": UPDATES,
        "precision": "float32",
    },
)
device = choose_device("auto")
print(plain.model, device, sep="\n")

# %% [markdown]
# ## The loss at the beginning
#
# A model that knows nothing should give each of 512 tokens the same probability, 1/512. The loss of that is -ln(1/512) = ln
# 512 = 6.238. If yours begins elsewhere, something is wrong before a single update.

# %%
import math

from gpt25 import GPTModel
from gpt25.data import Batches

indices, labels = next(Batches(training, **plain.window_order).for_update(0, rows_per_update=8, micro_batch_rows=8))
fresh = GPTModel(plain.model, generator=torch.Generator().manual_seed(1))
with torch.no_grad():
    # Given labels, a model returns (logits, loss); [1] is the loss.
    print(f"ln 512 = {math.log(512):.3f}; the model says {float(fresh(indices, labels)[1]):.3f}")

# %% [markdown]
# **The scale of the initialisation** decides it. GPT-2 draws weights with a spread of 0.02. The embeddings are the head too:
# larger ones are larger logits, which means to be *confidently* wrong.

# %%
for scale in (1, 3, 10, 30):
    louder = GPTModel(plain.model, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        for parameter in louder.parameters():
            if parameter.dim() == 2:
                parameter *= scale
        print(f"initialised with {0.02 * scale:4.2f}: loss {float(louder(indices, labels)[1]):8.3f}")

# %% [markdown]
# ## One batch, overfitted
#
# Before you train on much, train on almost nothing. A model that cannot learn one batch by heart has a mistake in it: labels
# shifted wrongly, a mask that leaks or blocks, gradients that do not arrive. Ten lines of plain PyTorch:

# %%
few, few_labels = indices[:4, :32], labels[:4, :32]
optimizer = torch.optim.AdamW(fresh.parameters(), lr=1e-2)
for step in range(81):
    _, loss = fresh(few, few_labels)
    if step % 20 == 0:
        print(f"step {step:3}: {float(loss.detach()):.4f}")
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

# %% [markdown]
# **Exercise 1.** The loss falls to almost 0. What would it mean if it fell to 0 within five steps? And if it stayed at 3?
#
# <details><summary>Answer</summary>
#
# Too quick means that the answer is in the question: labels that are the indices themselves, or a mask that lets a position
# see what follows. (`model(indices, indices)` is refused here for that reason.) Staying at about 3 means that it learns
# which tokens are frequent and nothing of their order: positions or attention do not work.
# </details>
#
# ## Faster: precision
#
# Multiplying matrices in bfloat16 halves the bytes and, on hardware that has instructions for it, multiplies the speed.
# Weights and optimizer stay in float32. Does *this* machine have them?

# %%
from gpt25.records import RunDirectory
from gpt25.training import seconds_per_update

precision = choose_precision(device)
print(f"auto means {precision.name}: {precision.reason}\n")


def seconds_of(recipe: TrainingConfiguration) -> float:
    run = RunDirectory("runs/ladder/probe")  # nothing is written there
    return seconds_per_update(recipe, run=run, train_shards=training, validation_shards=validation, repetitions=7)


in_float32 = seconds_of(plain)
in_bfloat16 = seconds_of(changed(plain, loop={"precision": "bfloat16"}))
print(
    f"float32 {in_float32 * 1e3:.1f} ms an update, bfloat16 {in_bfloat16 * 1e3:.1f} ms: {in_float32 / in_bfloat16:.2f} times as fast"
)

# %% [markdown]
# **On a free T4** the first line says float32: that GPU is older than bfloat16 (compute capability 7.5; it begins at 8.0). It
# has float16, but with so few exponents that small gradients become zeros unless the loss is scaled up first. This package
# has no float16 and no loss scale: on a T4 training runs in float32, correctly and at an eighth of what its float16 could do.
#
# ## Faster: compiling
#
# `torch.compile` melts many small operations into few kernels. On a GPU the package does it without being asked. On a
# processor compiling itself takes longer than everything on this page, so it is off here unless you turn it on. (What the cell
# says of a Xeon was an early trial that stands in no log: take it for an order of magnitude, and your own figures before it.)

# %%
COMPILE = device.type == "cuda"  # True also tries it on a processor: a minute or two
if COMPILE:
    settings = {"precision": precision.name, "compile": False}
    uncompiled = seconds_of(changed(plain, loop=settings))
    compiled = seconds_of(changed(plain, loop={**settings, "compile": True}))
    print(
        f"{uncompiled * 1e3:.1f} ms an update, compiled {compiled * 1e3:.1f} ms: {uncompiled / compiled:.2f} times as fast"
    )
else:
    print("not tried; on two cores of a Xeon it gained a quarter and took 16 to 28 s before the first update")

# %% [markdown]
# ## Faster: attention
#
# Written down as in the paper, attention makes a matrix of time × time for every head, and reads and writes it several times.
# A fused kernel works on small pieces that stay in the cache and never holds the whole. The longer the text, the more that
# is worth:

# %%
import time

from torch.nn import functional

for length in (128, 512, 1024):
    query = torch.randn(1, 12, length, 64, device=device)  # (batch, heads, time, head size): those of the 124M
    future = torch.ones(length, length, dtype=torch.bool, device=device).triu(1)  # (time, time)
    seconds = {"plain": [], "fused": []}
    for _ in range(5):
        start = time.perf_counter()
        scores = (query @ query.transpose(-1, -2) / 8).masked_fill(future, -math.inf)  # (1, 12, time, time)
        plainly = scores.softmax(-1) @ query  # (1, 12, time, 64)
        float(plainly.sum())  # waits for a GPU
        seconds["plain"].append(time.perf_counter() - start)
        start = time.perf_counter()
        fused = functional.scaled_dot_product_attention(query, query, query, is_causal=True)
        float(fused.sum())
        seconds["fused"].append(time.perf_counter() - start)
    assert torch.allclose(plainly, fused, atol=2e-3)
    best = {name: min(each) for name, each in seconds.items()}
    print(
        f"{length:5} tokens: plain {best['plain'] * 1e3:6.2f} ms, fused {best['fused'] * 1e3:6.2f} ms, {best['plain'] / best['fused']:.1f} times as fast"
    )

# %% [markdown]
# ## Larger: accumulation
#
# Good updates want many tokens (half a million for the 124M), and no memory holds them. But a gradient of a mean is a mean of
# gradients: take the batch in parts, add up their gradients, move once. The one mistake to make is forgetting to divide.


# %%
def gradient_norm(parts: int, divisor: int) -> float:
    twin = GPTModel(plain.model, generator=torch.Generator().manual_seed(1))
    for few, few_labels in zip(indices.chunk(parts), labels.chunk(parts), strict=True):
        (twin(few, few_labels)[1] / divisor).backward()  # gradients add up until they are cleared
    return float(torch.nn.utils.get_total_norm([parameter.grad for parameter in twin.parameters()]))


print(
    f"8 rows at once {gradient_norm(1, 1):.6f}; 4 × 2 rows {gradient_norm(4, 4):.6f}; 4 × 2 rows, undivided {gradient_norm(4, 1):.6f}"
)

# %% [markdown]
# **Exercise 2.** With AdamW the undivided gradient is four times as long, and the run looks nearly the same. Why, and where does
# it hurt after all?
#
# <details><summary>Answer</summary>
#
# AdamW divides by the root of the mean *square* of the gradients, so that their scale cancels. It hurts where the scale is
# compared with something fixed: gradient clipping at 1.0 now clips four times as early, and epsilon weighs less. Which
# makes it a mistake that survives for months.
# </details>
#
# ## Better: schedules
#
# The first updates are dangerous: AdamW has no idea yet how large gradients are. So the rate *warms up*. The last ones are
# wasteful if they are large: near the bottom of a valley long steps jump from wall to wall. So it falls at the end.

# %%
import matplotlib.pyplot as plt

from gpt25.training.optimizers.schedule import learning_rate_factor

schedules = {
    "constant": changed(plain).schedule,
    "cosine": changed(plain, schedule={"name": "cosine", "final_fraction": 0.1}).schedule,
    "trapezoid": changed(plain, schedule={"name": "trapezoid", "decay_fraction": 0.5, "final_fraction": 0.0}).schedule,
}
figure, panel = plt.subplots(figsize=(7, 2.4))
for name, schedule in schedules.items():
    panel.plot([learning_rate_factor(schedule, update, UPDATES) for update in range(UPDATES)], label=name)
panel.set(xlabel="update", ylabel="part of the peak rate", title="Three schedules, with a warm-up of 5 updates")
_ = panel.legend(frameon=False)

# %% [markdown]
# ## Better: AdamW beside Muon, and short sequences first
#
# AdamW looks at every weight by itself. A matrix is more than its entries, though: its gradient usually has a few directions
# that are very strong and many that are weak, and AdamW mostly moves along the strong ones. **Muon** makes all directions of
# an update equally long (it *orthogonalises* the momentum), for the matrices of the blocks; embeddings, biases and norms stay
# with AdamW.
#
# **Short sequences first** cuts the same tokens into pieces of a quarter, then a half, then the whole block. Early on, a
# model learns what follows within a few tokens, and many short texts teach that better than few long ones.
#
# One run for each step, equally many tokens, one seed. (AdamW's rate of 0.003 is the best of 0.001, 0.002 and 0.003 in this
# small world; Muon's are the quickstart's.)

# %%
from gpt25 import figures
from gpt25.training import Trainer

falling = changed(plain, schedule={"name": "trapezoid", "decay_fraction": 0.5, "final_fraction": 0.0})
muon = changed(
    falling,
    optimizer={"name": "muon", "peak_learning_rate": 0.03, "muon_peak_learning_rate": 0.012, "weight_decay": 0.0},
)
ladder = {
    "AdamW": plain,
    "AdamW, falling rate": falling,
    "Muon": muon,
    "Muon, short first": changed(muon, batch={"short_sequences": ((0.3, 32), (0.6, 64))}),
}
rows, before = [], None
for name, recipe in ladder.items():
    run = RunDirectory(f"runs/ladder/{name}")
    start = time.perf_counter()
    Trainer(recipe, run=run, train_shards=training, validation_shards=validation, tokenizer=tokenizer).train()
    loss = run.metrics()[-1]["validation_loss"]
    gain = "" if before is None else f"{before - loss:+.3f} by this step"
    print(f"{name:20} {time.perf_counter() - start:5.1f} s, validation loss {loss:.3f} {gain}")
    before = loss

# %%
figures.losses(*[f"runs/ladder/{name}" for name in ladder])

# %% [markdown]
# Read the gains with a grain of salt. These are minutes of a toy's life, with one seed each, and seeds alone differ by a
# hundredth and more. A falling rate may even *lose* in so short a run: it learns less on the way and has not enough time to collect what
# long steps left lying. What was measured at length, with seeds and at several sizes, stands in
# [the log](../docs/log/fewer_tokens.md): there Muon with short sequences reached AdamW's loss in 0.29 to 0.47 of its tokens.
#
# **Exercise 3.** Muon's updates have the same length whatever the gradient's. What does that make of gradient clipping, and of
# the learning rate?
#
# <details><summary>Answer</summary>
#
# Clipping does nothing to them (the recipe for the 124M has none): a gradient twice as long gives the same update. The learning
# rate *is* the length of the step, so that it alone decides how far weights move, and a schedule that falls to nothing
# matters more.
# </details>
#
# **Exercise 4.** Where the sequences become longer, the training loss jumps up a little while the validation loss falls. Why?
#
# <details><summary>Answer</summary>
#
# Validation always reads whole blocks. Training switches to positions that have never been trained, at 32 and then at 64, and
# is bad at them for some updates. It was the easier exam before, not the better pupil.
# </details>
#
# ## A run, and its report
#
# All steps together make the quickstart: `gpt25 quickstart`, three minutes on two cores. The first notebook has already
# trained one like it; here it is again, or is trained now. Its graph first: training loss, validation loss on the way, the
# rate below.

# %%
from gpt25.recipes import model_at_hand

RUN = model_at_hand("runs/lesson", say=print, published=None, minutes=3)
RunDirectory(RUN)

# %%
figures.losses(RUN)

# %% [markdown]
# And the report, the page that every run leaves behind as `report.html`. (Where a notebook is only *shown*, as on GitHub, a page
# within a page is left out: open `notebooks/runs/lesson/report.html` after running it.)

# %%
figures.report(RUN)

# %% [markdown]
# **Exercise 5.** The validation loss lies above the training loss almost from the beginning. Is that overfitting?
#
# <details><summary>Answer</summary>
#
# Not by itself. The held-out files are other files, with names that the training files never use. Overfitting shows when
# the validation loss *rises* while the training loss falls. In a single pass over the text there is nothing to learn by heart;
# here the 900 updates pass over the text a little more than once.
# </details>
#
# ## Where this leads
#
# A loss has fallen. Is the model any good, and against what? [Next](6_better_than_openais.ipynb).
