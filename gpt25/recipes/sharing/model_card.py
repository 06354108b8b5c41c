"""README.md of a model: what it is, how to load it, what it was trained on, and how good it is."""

import re
from collections.abc import Iterable, Sequence

from gpt25.counted import counted
from gpt25.plots.formatting import duration, size
from gpt25.recipes.sharing.card_facts import CardFacts
from gpt25.recipes.sharing.card_metadata import card_metadata
from gpt25.recipes.sharing.card_scores import CardScore, card_scores
from gpt25.recipes.sharing.training_data import SplitSize, TrainingData
from gpt25.records import offered_command
from gpt25.version import __version__

CARD_NAME = "README.md"
PICTURE_NAME = "loss.png"
_PROMPT = "The"
_NEW_TOKENS = 40


def model_card(
    facts: CardFacts, *, name: str, has_picture: bool, licence: str | None = None, prompt: str | None = None
) -> str:
    """The card as Markdown behind its metadata.

    name: what one loads the model by, "owner/name" or a directory. has_picture: whether the loss graph lies beside it.
    licence: see `card_metadata`. prompt: what the examples go on with; None takes the samples' of a model trained on a
    published set, and a neutral one else.
    """
    scores = card_scores(facts)
    title = name.rpartition("/")[2]
    sections = [
        f"# {_inert(title)}",
        _opening(facts),
        f"![Training and validation loss against training tokens]({PICTURE_NAME})" if has_picture else "",
        _use(facts, name, prompt),
        _training(facts),
        _data(facts.data),
        _scores(facts, scores),
        _licence(licence),
        f"This card was written by gpt25 {__version__} from what is recorded of the model.",
    ]
    metadata = card_metadata(facts, scores, name=title, licence=licence)
    return f"---\n{metadata}---\n\n" + "\n\n".join(section for section in sections if section) + "\n"


def _opening(facts: CardFacts) -> str:
    shape = facts.description["configuration"]
    what = (
        f"A GPT-2 of {facts.description['parameters']:,} parameters: {counted(shape['number_of_layers'], 'layers')} of "
        f"{counted(shape['number_of_heads'], 'heads')}, {shape['number_of_embedding_dimensions']:,} channels, a "
        "context of "
        f"{shape['block_size']:,} tokens and a vocabulary of {shape['vocabulary_size']:,}."
    )
    how = ""
    if facts.checkpoint is not None:
        how = "It was trained from scratch"
        if facts.is_fine_tuned:
            start = facts.base_model
            link = "another model's weights" if start is None else f"[{start}](https://huggingface.co/{start})"
            how = f"It goes on from {link}"
        how += f" with gpt25; these are its weights after update {facts.checkpoint.update:,}."
    trial = "This is a trial on a small copy: its figures say nothing about the model that it stands for."
    base = "It is a base model: it continues a text, and answers nobody. What it writes can be wrong or hurtful."
    return " ".join(part for part in (what, how, trial if facts.is_trial else "", base) if part)


def _use(facts: CardFacts, name: str, prompt: str | None) -> str:
    half = facts.description["configuration"]["block_size"] // 2  # one for the prompt, one for what follows
    if prompt is None:
        own = facts.public_prompt
        prompt = own if own and own.isprintable() and len(own.encode()) <= half else _PROMPT
    in_python = [
        "from transformers import AutoModelForCausalLM, AutoTokenizer",
        "",
        f"tokenizer = AutoTokenizer.from_pretrained({name!r})",
        f"model = AutoModelForCausalLM.from_pretrained({name!r})",
        f'tokens = tokenizer({prompt!r}, return_tensors="pt")',
        f"texts = model.generate(**tokens, do_sample=True, max_new_tokens={min(_NEW_TOKENS, half)})",
        "print(tokenizer.decode(texts[0]))",
    ]
    if not facts.has_tokenizer:
        in_python = [in_python[0].partition(",")[0], "", in_python[3]]
        return f"## Use\n\nIt has no tokenizer: it reads and writes token ids.\n\n{_fenced('python', in_python)}"
    here = offered_command("gpt25", "generate", name, "--prompt", prompt)
    return f"## Use\n\nWith transformers:\n\n{_fenced('python', in_python)}\n\nWith gpt25:\n\n{_fenced('sh', [here])}"


def _training(facts: CardFacts) -> str:
    if facts.checkpoint is None or facts.run is None:
        return ""
    machine = facts.run.environment
    tokens, train = facts.checkpoint.tokens, None if facts.data is None else facts.data.train
    times = "" if not (tokens and train and train.tokens) else f", {tokens / train.tokens:.3g} times the training text"
    rows = [
        ("updates", f"{facts.checkpoint.update:,}"),
        ("tokens seen", None if tokens is None else f"{tokens:,}{times}"),
        ("tokens of an update", _number(_section(facts, "batch").get("tokens_per_update"))),
        ("optimizer", _section(facts, "optimizer").get("name")),
        ("learning-rate schedule", _section(facts, "schedule").get("name")),
        ("time", None if facts.checkpoint.seconds is None else duration(facts.checkpoint.seconds)),
        ("machine", _machine(machine)),
        ("software", ", ".join(f"{key} {machine[key]}" for key in ("gpt25", "torch") if machine.get(key)) or None),
    ]
    recipe = facts.recipe_text()
    folded = (
        f"\n\n<details><summary>The whole recipe</summary>\n\n{_fenced('toml', [recipe.rstrip()])}\n\n</details>"
        if recipe
        else ""
    )
    return f"## Training\n\n{_table(('', ''), [row for row in rows if row[1]])}{folded}"


def _machine(environment: dict[str, object]) -> str | None:
    gpus = environment.get("gpus")
    if isinstance(gpus, list) and gpus:
        return f"{environment.get('number_of_ranks', 1)} × {gpus[0]}"
    processor = environment.get("processor")
    cores = environment.get("cores")
    return f"{processor}, {counted(cores, 'cores')}" if processor and isinstance(cores, int) else None


def _data(data: TrainingData | None) -> str:
    if data is None:
        return ""
    sentences = [f"Trained on {data.in_words}"]
    if data.train is not None:
        sentences[0] += f": {_split_in_words(data.train)}"
        if data.validation is not None:
            sentences[0] += f", and {_split_in_words(data.validation)} held out"
    sentences[0] += "."
    if data.tokenizer_name:
        sentences.append(f"The tokenizer is {_inert(data.tokenizer_name)}.")
    if data.known is not None:
        sentences.append(f"Licence of the texts: {data.known.licence} ({data.known.source}).")
    elif data.hub_names:
        pages = ", ".join(f"https://huggingface.co/datasets/{name}" for name in data.hub_names)
        sentences.append(f"Their licence stands on their page: {pages}.")
    else:
        sentences.append("Their licence is not recorded.")
    return "## Data\n\n" + " ".join(sentences)


def _split_in_words(split: SplitSize) -> str:
    tokens = "tokens" if split.tokens is None else f"{counted(split.tokens, 'tokens')}"
    documents = "" if split.documents is None else f" of {counted(split.documents, 'documents')}"
    return tokens + documents + ("" if not split.bytes else f" ({size(split.bytes)})")


def _scores(facts: CardFacts, scores: Sequence[CardScore]) -> str:
    if not scores:
        return ""
    rows = [
        (score.task, score.metric, f"{score.value:.4f}" + _spread(score), score.definition or score.title)
        for score in scores
    ]
    notes = []
    if facts.checkpoint is not None and facts.checkpoint.averaged_losses is not None:
        last, average = facts.checkpoint.averaged_losses
        notes.append(
            f"Averaged over its last updates, the weights validate at {average:.4f}, the last ones at {last:.4f}; "
            f"these are the {'averaged' if average < last else 'last'} ones."
        )
    compressors = facts.run.summary.compressors if facts.run is not None and facts.is_last else {}
    if compressors:
        listed = ", ".join(f"{name} {bits:.2f}" for name, bits in compressors.items())
        notes.append(f"Compressors need, in bits for each byte of the same text: {listed}.")
    table = _table(("task", "metric", "value ± standard error", "what is measured"), rows)
    return "\n\n".join(["## Scores", table, *notes])


def _spread(score: CardScore) -> str:
    return "" if score.standard_error is None else f" ± {score.standard_error:.2g}"


def _licence(licence: str | None) -> str:
    said = f"The weights are given away under {_inert(licence)}." if licence else "None was chosen for these weights."
    return f"## Licence\n\n{said}"


def _section(facts: CardFacts, name: str) -> dict[str, object]:
    section = facts.recipe.get(name)
    return section if isinstance(section, dict) else {}


def _number(value: object) -> str | None:
    return f"{value:,}" if isinstance(value, int) else None


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(_inert(str(cell)) for cell in line) + " |" for line in lines)


def _fenced(language: str, lines: Sequence[str]) -> str:
    """A block of code, between more backticks than any in it."""
    content = "\n".join(lines)
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", content)), 3)
    return f"{fence}{language}\n{content}\n{fence}"


def _inert(words: str) -> str:
    """Words inside Markdown that end no table's cell, begin no markup and no line: names come from anywhere."""
    return re.sub(r"([\\`*\[\]<>|])", r"\\\1", " ".join(words.split()))
