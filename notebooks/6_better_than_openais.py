# %% [markdown]
# # 6. Better than OpenAI's?
#
# [Open in Colab](https://colab.research.google.com/github/OWNER/gpt25/blob/main/notebooks/6_better_than_openais.ipynb) ·
# [Glossary](../docs/glossary.md) · [All notebooks](../docs/notebooks.md) ·
# [a free T4 runs it too, in float32](../docs/notebooks.md#on-colab-and-what-a-free-t4-does)
#
# "Our model beats GPT-2" is easy to write and hard to mean. Better by which measure, taken how, with what error, on whose
# text, and at what price? This notebook takes the sentence apart.
#
# **It assumes** the fifth notebook's last part: a run that has been trained. Probability at the level of a coin is enough.

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
# ## One model, five scores
#
# HellaSwag asks which of four endings goes on with a short text; a model's answer is the one that it finds likeliest. Here are
# the published scores of one and the same set of weights, OpenAI's 124M:

# %%
from gpt25.references.scores import PUBLISHED_SCORES

for score in PUBLISHED_SCORES:
    if score.task.startswith("hellaswag") and score.model == "gpt2":
        print(f"{score.value:.4f}  {score.definition}\n        {score.source}")

# %% [markdown]
# From 0.2859 to 0.3114, and nobody has made a mistake. "Likeliest" can be meant as the sum over the tokens (which favours
# short endings), as the mean per token, or per character; the ending can be tokenized with the context or by itself; the prompt
# can name the activity first. Each is a *protocol*, and only scores of one protocol can be compared.
#
# Let us see it happen. We make a small set of our own, from files that the small model has never seen: three lines of a
# program, and which of four lines comes next? The wrong ones come from elsewhere in the same file.

# %%
import random

from gpt25 import load_pretrained
from gpt25.data import split_of, standard_library_documents
from gpt25.evaluation.protocols.choice_item import ChoiceItem
from gpt25.recipes import model_at_hand

RUN = model_at_hand("runs/lesson", say=print, published=None, minutes=3)
model, tokenizer = load_pretrained(RUN)
dice = random.Random(1)
items = []
for document in standard_library_documents():
    lines = [line for line in document.content.decode("utf-8").split("\n") if 12 < len(line) < 70]
    if split_of(document, validation_fraction=0.1) == "validation" and len(lines) > 40:
        for _ in range(12):
            place = dice.randrange(3, len(lines))
            wrong = dice.sample([line for line in lines if line != lines[place]], 3)
            gold = dice.randrange(4)
            endings = ["\n" + line for line in [*wrong[:gold], lines[place], *wrong[gold:]]]
            items.append(ChoiceItem.of_one_context("\n".join(lines[place - 3 : place]), endings, gold))
items = dice.sample(items, min(400, len(items)))
print(f"{len(items)} items; the first one:\n{items[0].contexts[0]}")
for number, ending in enumerate(items[0].continuations):
    print(f"  {'->' if number == items[0].gold else '  '} {ending.strip()}")

# %%
from gpt25.evaluation import ContinuationScorer
from gpt25.evaluation.protocols.multiple_choice import score_multiple_choice

scorer = ContinuationScorer(model)
summed, per_token = score_multiple_choice(items, tokenizer, scorer, encoding="apart", normalisation="tokens")
together, per_character = score_multiple_choice(
    items, tokenizer, scorer, encoding="together", normalisation="characters"
)
for name, score in {
    "sum, ending by itself": summed,
    "sum, encoded together": together,
    "per token": per_token,
    "per character": per_character,
}.items():
    print(f"{name:24} {score.value:.4f} ± {score.standard_error:.4f}")

# %% [markdown]
# One model, one set, and more than one figure; guessing would give 0.25. A figure without its definition is worth nothing, which is why a
# score here is an object that carries one:

# %%
per_character

# %% [markdown]
# **Exercise 1.** Why does a sum of log-likelihoods prefer short endings, and why is dividing by the number of *tokens* unfair
# between two models with different vocabularies?
#
# <details><summary>Answer</summary>
#
# Every token multiplies the probability by something below 1, so that a longer ending starts with a handicap that has nothing
# to do with sense. Dividing by tokens takes it away, but what counts as a token is the model's own affair: a vocabulary that
# cuts rare words into pieces gets them counted as many. Characters are the same for everyone.
# </details>
#
# ## Errors
#
# A score is measured on a sample of all questions that might have been asked. With other questions it would have been another.
# For a share p of n questions the *standard error* is √(p (1 - p) / n):

# %%
import math

for number in (400, 1_000, 10_042):
    print(f"{number:6,} items at 0.29: ± {math.sqrt(0.29 * 0.71 / number):.4f}")

# %% [markdown]
# All of HellaSwag has ± 0.0045. Of two models at 0.2945 and 0.3005 one cannot say which is better by looking at the two
# figures: the difference of two such scores has an error of 0.0064.
#
# ## Paired tests
#
# But one can do better than look at two figures. Both models answered the *same* questions, and most of the luck is in the
# questions: an easy one is easy for both. Compare them item by item, and that luck cancels.
#
# We compare a run's last checkpoint with the one before it: hardly better, and yet.

# %%
from gpt25.data import open_shards
from gpt25.evaluation import difference_between
from gpt25.evaluation.protocols.token_loss import score_shards
from gpt25.records import RunDirectory

checkpoints = RunDirectory(RUN).checkpoints()
earlier, _ = load_pretrained(checkpoints[-2].path)
shards = open_shards(f"{RUN}/data", "validation")
tokens = min(32_768, shards.number_of_tokens // 128 * 128 - 128)
last_loss = score_shards(model, shards, number_of_tokens=tokens, rows=16)[0]
earlier_loss = score_shards(earlier, shards, number_of_tokens=tokens, rows=16)[0]
unpaired = math.hypot(last_loss.standard_error, earlier_loss.standard_error)
print(f"after update {checkpoints[-2].update:,}: {earlier_loss}")
print(f"after update {checkpoints[-1].update:,}: {last_loss}")
print(
    f"difference {last_loss.value - earlier_loss.value:+.4f}, with an error of {unpaired:.4f} if one only looks at the two"
)
difference_between(last_loss, earlier_loss)

# %% [markdown]
# (Both are of the first 32,768 held-out tokens, the first few files, and not of the whole split as the run's own figure is.)
#
# The same difference, with an error many times smaller: the two figures side by side could not tell the models apart, the
# windows one by one can. For right and wrong answers the test counts only the items on which the models disagree (McNemar's):

# %%
earlier_answers = score_multiple_choice(items, tokenizer, ContinuationScorer(earlier), normalisation="characters")[1]
difference_between(per_character, earlier_answers)

# %% [markdown]
# **Exercise 2.** Two models have the same score, 0.2945, on 10,042 items. On how many items may they disagree, and what does a
# paired test say if they disagree on 4,000?
#
# <details><summary>Answer</summary>
#
# On anything from none to about 5,900 (each may be right on its own 2,957). The paired test looks only at the disagreements:
# 2,000 for one and 2,000 for the other is exactly what a fair coin gives, p = 1. Equal scores do not mean equal models; and no
# test can see a difference where the score has none.
# </details>
#
# There is a third kind of luck that no test on items can see: train the same recipe with another seed, and its final loss
# moves. By how much at 124M others have measured: modded-nanogpt's records of 2025-01-04 (80 runs of one recipe) and of
# 2025-07-12 (20 runs of a later one) show standard deviations of 0.0019 and 0.0013 nats on FineWeb, for models of this size
# that are not quite GPT-2's architecture. A smaller difference between two *recipes* is noise, however small its p-value
# between two *models*.
#
# ## The loss graph against OpenAI's lines
#
# For a loss the picture says most: your curve, and OpenAI's models as horizontal lines on the same tokens of the same text. A run
# on FineWeb gets them by `figures.losses(run, published=True)`, and in its report. The small model was trained on Python
# and has no such lines, so here is a published run instead: llm.c's 124M, AdamW, from random weights.

# %%
import matplotlib.pyplot as plt

from gpt25.references.published_curve import LLM_C_124M

figure, panel = plt.subplots(figsize=(7.5, 4))
panel.plot(*zip(*LLM_C_124M.points, strict=True), "o-", label=LLM_C_124M.run)
for line in [score for score in PUBLISHED_SCORES if score.task == "fineweb" and score.model in ("gpt2", "gpt2-medium")]:
    panel.axhline(line.value, color="grey", linestyle="--", linewidth=1)
    panel.text(135, line.value + 0.03, f"OpenAI's {line.model}: {line.value:.3f}", color="grey")
    crossed = LLM_C_124M.tokens_to(line.value)
    if crossed is not None:
        panel.plot(crossed / 1e6, line.value, "k*", markersize=12)
        print(
            f"it crosses OpenAI's {line.model} after {crossed / 1e9:.1f} billion tokens (between its points, by a straight line)"
        )
panel.set(xscale="log", xlabel="millions of tokens", ylabel="loss on FineWeb, nats per token", ylim=(2.9, 6.4))
_ = panel.legend(frameon=False)

# %% [markdown]
# It ends clearly below the line. Is it better than OpenAI's, then? On *this text*. FineWeb is what it was trained on, and not
# what OpenAI trained on: part of the distance is being at home. That is why `gpt25 reproduce` measures HellaSwag and LAMBADA
# besides, with the same code for both models, and gives a verdict figure by figure.
#
# **Exercise 3.** A model beats OpenAI's loss on FineWeb by 0.15 and loses LAMBADA by nine points. Name two explanations that do
# not contradict each other.
#
# <details><summary>Answer</summary>
#
# It is at home on FineWeb, which explains the loss; and LAMBADA is made of novels, of which OpenAI's WebText held more than
# filtered educational pages do. A better model of one kind of text can be a worse one of another.
# </details>
#
# ## At home: beating a compressor
#
# Our small model has no published opponent, but it has one that everybody has installed. A compressor is a language model too:
# what it predicts well, it writes in few bits. On the same held-out bytes:

# %%
summary = RunDirectory(RUN).read_summary()
print(f"{summary.held_out_bytes:,} bytes of held-out text, bits per byte:")
for name, bits in sorted(
    {**summary.compressors, f"this model ({RUN})": summary.bits_per_byte}.items(), key=lambda each: each[1]
):
    print(f"  {bits:.3f}  {name}")

# %% [markdown]
# ## What it costs
#
# A forward pass multiplies and adds once for every weight of a matrix, and a backward pass twice that: for the 124M 0.741
# GFLOP a token. Attention's own products come on top, of each token with those before it, half a block on average: 0.057. The
# rest is arithmetic: operations a token × tokens ÷ what a GPU achieves. `gpt25 plan` does it for any recipe; here for the baseline's 10 billion tokens. The prices
# are placeholders for yours: put in what your provider asks today.

# %%
from gpt25.model import Accounting
from gpt25.recipes import load_recipe
from gpt25.recipes.planning.plan import plan

PRICE_PER_GPU_AND_HOUR = {"t4": 0.4, "rtx4090": 0.5, "a100": 1.6, "h100": 2.5, "h200": 3.0}  # USD, examples only
recipe = load_recipe("gpt2_124m_adamw")
operations = Accounting(recipe.model).training_operations_per_token
print(
    f"{operations / 1e9:.3f} GFLOP a token x {recipe.total_tokens / 1e9:.1f} billion tokens = {operations * recipe.total_tokens:.1e} operations\n"
)
for gpu, price in PRICE_PER_GPU_AND_HOUR.items():
    planned = plan(recipe, gpu=gpu, price_per_hour=price)
    print(
        f"{gpu:8} {planned.hardware.precision:9} {planned.tokens_per_second:9,.0f} tokens/s"
        f" {planned.total_hours:7.1f} hours {planned.total_money:6.0f} USD"
    )

# %% [markdown]
# By arithmetic and a published utilisation of 38 %, nothing of it measured here; on a GPU that you have, `gpt25 plan` measures
# real updates instead. The T4 is in the list as a warning: it trains in float32, and what looks cheap by the hour is not by the
# model.
#
# **Exercise 4.** Eight GPUs finish eight times as soon (nearly) and cost as much in all. Why would anyone take one?
#
# <details><summary>Answer</summary>
#
# Set-up, fetching and evaluating cost the same hour on one GPU or on eight, so that with eight one pays for seven idle ones
# meanwhile; and a mistake that one sees after ten minutes has cost eight times as much. Try on one, run on eight.
# </details>
#
# ## The sentence, put together
#
# "Better" is: a *measure* with its definition, on a *text* that is named, both models by the *same code*, a difference with its
# *paired error*, larger than what *seeds* do, for a stated *price*. One command does it:
#
# ```sh
# gpt25 reproduce --trial --run runs/trial              # minutes, any machine: every step, small
# gpt25 reproduce --run runs/mine --price-per-hour 3    # the whole promise, on a GPU
# ```
#
# The model is trained and judged. Last, we [open it](7_inside.ipynb).
