# %% [markdown]
# # 7. Inside
#
# [Open in Colab](https://colab.research.google.com/github/OWNER/gpt25/blob/main/notebooks/7_inside.ipynb) ·
# [Glossary](../docs/glossary.md) · [All notebooks](../docs/notebooks.md) ·
# [a free T4 runs it too, in float32](../docs/notebooks.md#on-colab-and-what-a-free-t4-does)
#
# We know every number of the model and not yet what any of them is for. This notebook asks: where do heads look, what does each
# layer believe, who wrote the answer, what would break without it, and when in training did it come to be?
#
# **It assumes** the first three notebooks. Every function here takes any GPT-2, so that what you learn on a small one can be
# asked of OpenAI's the same minute.

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
# **The outputs kept here are of the small model** that the first notebook trained. With a network, or with OpenAI's weights in
# the cache, the same cells show those: twelve layers of twelve heads instead of four of two.
#
# The text is a piece of Python in which the right continuation stands a few lines earlier:

# %%
from gpt25 import figures, load_pretrained
from gpt25.inspection import token_labels
from gpt25.recipes import model_at_hand

MODEL = model_at_hand("runs/lesson", say=print, minutes=3)
model, tokenizer = load_pretrained(MODEL)
prompt = "class Reader:\n    def __init__(self, name):\n        self.name = name\n\n    def read(self):\n        return self."
token_ids = tokenizer.encode(prompt)
labels = token_labels(tokenizer, token_ids)
print(prompt, "\n", len(labels), "tokens:", *labels[-8:])

# %% [markdown]
# ## Where the heads look
#
# Every head gives each token weights over itself and the tokens before it, adding up to 1. A row of a square is a token that
# reads, a column one that is read; above the diagonal lies the future, which nobody sees.

# %%
figures.attention(model, prompt, tokenizer=tokenizer, name=MODEL)

# %% [markdown]
# Three patterns come up in every GPT-2: a dark *diagonal* (a head that looks at the token itself or at the one before), a dark
# *first column* (a head that has nothing to do here and rests on the first token), and *stripes* (a token that everybody reads,
# such as a line's beginning). Close up, with its tokens, the head that likes the previous token best:

# %%
from gpt25.inspection import head_scores

scores = head_scores(model)
layer, head = divmod(int(scores.previous_token.argmax()), model.configuration.number_of_heads)
print(f"layer {layer}, head {head} gives the previous token {scores.previous_token[layer, head]:.2f} of its attention")
figures.attention(model, prompt, layer=layer, head=head, tokenizer=tokenizer, name=MODEL)

# %% [markdown]
# ## What each layer believes: the logit lens
#
# All layers write into one stream, and the head reads it at the end. Nothing stops us from reading earlier: what would the model
# say if it ended here? Bottom row: the embeddings alone. Top row: the answer. (Where so wide a picture comes out small, open it
# by itself, or let `gpt25 plot predictions MODEL --prompt TEXT --output lens.html` make a page whose cells can be pointed at.)

# %%
figures.predictions(model, prompt, tokenizer=tokenizer, name=MODEL)

# %% [markdown]
# **Exercise 1.** In the bottom row the lens mostly repeats the token itself. Why must it, in a model with a tied head?
#
# <details><summary>Answer</summary>
#
# Without any block the stream is the token's own embedding (and its position's), and the head scores it against all embeddings.
# A vector is usually most similar to itself. The first block's perceptron is largely busy with turning "this is the token" into
# "this is what may follow"; you will see below what it costs to remove it.
# </details>
#
# ## How the stream grows

# %%
figures.residual(model, prompt, tokenizer=tokenizer, name=MODEL)

# %% [markdown]
# This is the growth that the extra layer norm of the second notebook is there for.
#
# ## Who wrote the answer
#
# Because everything is *added*, the logit of a token is a sum: so much from each head, so much from each perceptron. One number
# has to be held fixed for that (the last layer norm's divisor), and then the parts add up to the logit exactly. We take the
# logit of `name` and subtract that of `value`, which could stand there just as well.

# %%
from gpt25.inspection import logit_attribution

answer, other = tokenizer.encode("name")[0], tokenizer.encode("value")[0]
parts = logit_attribution(model, token_ids, token_id=answer, against=other)
print(f"the logit of name less that of value is {parts.logit:.3f}; all parts together are {parts.total:.3f}")
figures.attribution(model, prompt, answer="name", other="value", tokenizer=tokenizer, name=MODEL)

# %% [markdown]
# **Exercise 2.** A head writes +1 for the answer. Does the model need it?
#
# <details><summary>Answer</summary>
#
# That does not follow. Attribution sees only what is written *directly* into the answer. Another part may have written the same
# and been drowned; a head that writes nothing for the answer may have given others what they needed for it. What is needed shows
# only when something is changed, which comes next.
# </details>
#
# ## What carries it: patching
#
# Take the same text with `value` in the place of `name`, so that the right answer changes too. Run the second text, but put the
# stream of the *first* text in at one position before one layer. Does the answer flip back? 1 means entirely, 0 not at all.

# %%
against = prompt.replace("name", "value")
figures.patching(model, prompt, against, answer="name", other="value", tokenizer=tokenizer, name=MODEL)

# %% [markdown]
# The stream first. Before layer 0 everything that tells the texts apart sits at the places where `name` itself stands; behind the
# last layer it sits at the last position, where the answer is given. In between, attention has carried it over, and the map of the
# heads says which of them did.

# %% [markdown]
# ## What breaks without it: ablation
#
# Replace what a head contributes by its own average over a text, so that it says nothing about *this* token, and measure what the
# loss of the text rises by.

# %%
text = prompt + "name\n\n    def write(self, text):\n        self.name = text\n        return self.name\n"
figures.ablation(model, text, tokenizer=tokenizer, name=MODEL)

# %% [markdown]
# **Exercise 3.** Some parts have a *negative* cost: without them the text is predicted better. Has training failed?
#
# <details><summary>Answer</summary>
#
# One short text is not what training minimised; a part that helps on average may hurt here. Average over many texts before you
# call a head useless. (Heads that work *against* the likeliest answer do exist, in OpenAI's model too: they keep the others from
# being too sure.)
# </details>
#
# ## Roles: previous token, duplicate, induction
#
# The most famous circuit in a GPT is *induction*: having seen `A B`, and now `A` again, say `B`. It takes two heads. One, early,
# writes into every token which token stood before it. Another, later, looks for the place whose note says "before me stood what
# stands here now". The test is random tokens that come twice: nothing can be predicted in the first half, everything in the second.

# %%
for kind in ("previous_token", "duplicate_token", "induction"):
    found = getattr(scores, kind)  # (layers, heads)
    layer, head = divmod(int(found.argmax()), found.shape[1])
    print(
        f"{kind:16} best is layer {layer}, head {head}: {found[layer, head]:.3f}, by chance {scores.chance[kind]:.3f}"
    )
figures.head_scores(model, name=MODEL)

# %% [markdown]
# In OpenAI's 124M several heads of the layers 5 to 7 are known for it, head 5 of layer 5 and head 9 of layer 6
# among them (Wang et al. 2022, "Interpretability in the Wild"); with those weights the figures above say by how much. A model that has been trained for three minutes has not come that far, and the figures say how far it has:
# heads for the previous token first, of which induction is made.
#
# In the outputs kept here one head comes up three times: head 0 of layer 3 speaks for `name` louder than any other head, restores
# 0.42 of the answer when it is patched in (head 0 of layer 0 restores more, 0.62, and layer 0's perceptron speaks loudest of all),
# and has the best induction score, 0.036 where chance is 0.014: a beginning, and no circuit yet.
#
# ## When did it form?
#
# Of OpenAI's model only the end was released. Of your own you have every checkpoint, and can watch:

# %%
RUN = model_at_hand("runs/lesson", say=lambda line: None, published=None, minutes=3)


def best_heads(checkpoint) -> dict[str, float]:
    found = head_scores(checkpoint.model)
    return {"previous token": found.previous_token.max(), "induction": found.induction.max()}


figures.over_checkpoints(RUN, best_heads, title="The best head of each kind", label="share of attention")

# %% [markdown]
# **Exercise 4.** Why does the head for the previous token come first? Could it be the other way round?
#
# <details><summary>Answer</summary>
#
# Induction needs the notes that the previous-token head writes; before they exist, there is nothing to look for, and no gradient
# that would teach it. The previous-token head is useful by itself, since pairs of tokens are the easiest thing to learn. In
# longer runs the induction heads then appear quite suddenly, with a visible bend in the loss.
# </details>
#
# ## Single neurons
#
# A neuron of a perceptron fires on some texts and pushes some tokens. Which ones fire most at the end of our text, and what do they
# push?

# %%
figures.neurons(model, prompt, count=6, tokenizer=tokenizer, name=MODEL)

# %% [markdown]
# Some can be read like words; many cannot, since a neuron usually does several unrelated things at once. Other tools go on from
# here (sparse autoencoders, tuned lenses). Your model opens in them, because its files are those of any GPT-2.
#
# All of these pictures are commands too, and one page shows them together, one prompt through every operation of the model:
#
# ```sh
# gpt25 plot inside notebooks/runs/lesson --prompt "def read(self): return self." --output inside.html
# ```
#
# ## The end
#
# You began with a file full of numbers that somebody else had made. Now you can say what each tensor is, write the class around it,
# cut the text that it reads, train another one, prove whether it is better, and look at which head does what. What is left is a
# larger run: `gpt25 plan gpt2_124m`, and then [one GPU](../docs/one_gpu_from_ssh_to_report.md).
