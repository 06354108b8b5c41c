"""A tiny model that is trained anew by every test run, and a tiny set for every task in that set's own format.

In its language every animal lives at a place of its own. A model learns some of that in two seconds, and then scores
between guessing and all right, so that a scorer that drifts moves a figure.
"""

import gzip
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from gpt25.data import prepare, read_documents
from gpt25.model import GPTConfiguration, GPTModel
from gpt25.tokenizer import Tokenizer

PEOPLE = ["Ann", "Bob", "Eve", "Tom"]
ANIMALS = ["cat", "dog", "fox", "owl"]
PLACES = ["barn", "old park", "riverside road", "tree"]
Row = dict[str, Any]


def sentence(chance: random.Random) -> tuple[str, str]:
    """A sentence without its last word, and that word."""
    person, animal = chance.choice(PEOPLE), chance.choice(ANIMALS)
    place = PLACES[ANIMALS.index(animal)] if chance.random() < 0.8 else chance.choice(PLACES)
    return f"{person} met the {animal} at the", place


def text(count: int, seed: int) -> str:
    """Sentences, one a line."""
    chance = random.Random(seed)
    return "".join("{} {}.\n".format(*sentence(chance)) for _ in range(count))


def lessons(count: int, seed: int) -> str:
    """Sentences as the tasks have them: on lines of their own, one after the other, and as questions."""
    chance = random.Random(seed)
    forms = ("{} {}.\n", "{} {}. ", "Question: {}\nAnswer: {}.\n")
    return "".join(chance.choice(forms).format(*sentence(chance)) for _ in range(count))


def train() -> tuple[GPTModel, Tokenizer]:
    """The same model on every machine: 250 updates of AdamW, in float64, so that rounding does not add up."""
    tokenizer = Tokenizer.train([lessons(600, 1)], vocabulary_size=300)
    shape = GPTConfiguration(
        block_size=96, vocabulary_size=300, number_of_layers=2, number_of_heads=2, number_of_embedding_dimensions=32
    )
    model = GPTModel(shape, generator=torch.Generator().manual_seed(1)).double()
    tokens = torch.tensor(tokenizer.encode(lessons(600, 2)))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.0)
    chance = torch.Generator().manual_seed(2)
    for _ in range(250):
        starts = torch.randint(len(tokens) - 65, (12,), generator=chance).tolist()
        rows = torch.stack([tokens[start : start + 65] for start in starts])  # (12, 65)
        logits = model(rows[:, :-1])  # (12, 64, vocabulary)
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.float().eval(), tokenizer


def _choice_rows(make: Callable[[str, list[str], int], Row], seed: int, count: int = 24) -> list[Row]:
    chance = random.Random(seed)
    rows = []
    for _ in range(count):
        context, place = sentence(chance)
        others = chance.sample([other for other in PLACES if other != place], 3)
        choices = [f"{choice}." for choice in (place, *others)]
        chance.shuffle(choices)
        rows.append(make(context, choices, choices.index(f"{place}.")))
    return rows


def _labelled(choices: list[str]) -> Row:
    return {"text": choices, "label": ["A", "B", "C", "D"]}


def _story(seed: int, count: int = 10) -> list[Row]:
    chance = random.Random(seed)
    rows = []
    for _ in range(count):
        context, place = sentence(chance)
        animal = context.split()[3].strip(",")
        question = context.replace(animal, "XXXXX")
        rows.append(
            {
                "sentences": [line.replace(".", " .") for line in text(2, chance.randrange(99)).splitlines()],
                "question": f"{question} {place} .",
                "options": ANIMALS,
                "answer": animal,
            }
        )
    return rows


def _pairs(count: int = 20) -> list[Row]:
    chance = random.Random(9)
    rows = []
    for number in range(count):
        context, place = sentence(chance)
        bad = context.replace(" met the", " met met") if number % 2 else context.replace(" at the", " the at")
        rows.append(
            {
                "UID": "verbs" if number % 2 else "order",
                "sentence_good": f"{context} {place}.",
                "sentence_bad": f"{bad} {place}.",
            }
        )
    return rows


def _blanks(count: int = 20) -> list[Row]:
    chance = random.Random(10)
    rows = []
    for number in range(count):
        context, place = sentence(chance)
        animal = context.split()[3]
        other = chance.choice([name for name in ANIMALS if name != animal])
        options = [animal, other] if number % 2 else [other, animal]
        rows.append(
            {
                "sentence": context.replace(animal, "_") + f" {place}.",
                "option1": options[0],
                "option2": options[1],
                "answer": "1" if number % 2 else "2",
            }
        )
    return rows


def row_sets() -> dict[str, list[Row]]:
    """For every task that reads rows, some in the set's own fields."""
    return {
        "lambada": [{"text": line.removesuffix(".")} for line in text(24, 3).splitlines()],
        "cbt-cn": _story(4),
        "cbt-ne": _story(5),
        "hellaswag": _choice_rows(lambda q, c, g: {"ctx": q, "endings": c, "label": str(g)}, 6),
        "hellaswag-harness": _choice_rows(
            lambda q, c, g: {"activity_label": "Story", "ctx_a": q[:7], "ctx_b": q[8:], "endings": c, "label": g}, 7
        ),
        "piqa": _choice_rows(lambda q, c, g: {"goal": q, "sol1": c[0], "sol2": c[g or 1], "label": int(g > 0)}, 8),
        "arc-easy": _choice_rows(lambda q, c, g: {"question": q, "choices": _labelled(c), "answerKey": "ABCD"[g]}, 11),
        "arc-challenge": _choice_rows(lambda q, c, g: {"query": f"Question: {q}", "choices": c, "gold": g}, 12),
        "winogrande": _blanks(),
        "winograd": [
            {
                "context_options": [row["sentence"].partition("_")[0] + row[name] for name in ("option1", "option2")],
                "continuation": row["sentence"].partition("_")[2].strip(),
                "gold": int(row["answer"]) - 1,
            }
            for row in _blanks()
        ],
        "copa": _choice_rows(
            lambda q, c, g: {
                "premise": f"{q}.",
                "question": "cause",
                "choice1": c[0],
                "choice2": c[g or 1],
                "label": int(g > 0),
            },
            13,
        ),
        "boolq": _choice_rows(lambda q, c, g: {"passage": q, "question": "is it so", "label": g % 2}, 14),
        "openbookqa": _choice_rows(
            lambda q, c, g: {"question_stem": q, "choices": _labelled(c), "answerKey": "ABCD"[g]}, 15
        ),
        "commonsense-qa": _choice_rows(
            lambda q, c, g: {"question": q, "choices": _labelled(c), "answerKey": "ABCD"[g]}, 16
        ),
        "siqa": _choice_rows(
            lambda q, c, g: {
                "context": q,
                "question": "Why is it so?",
                **{f"answer{letter}": answer for letter, answer in zip("ABC", c, strict=False)},
                "label": str(g % 3 + 1),
            },
            17,
        ),
        "blimp": _pairs(),
    }


def write_sets(folder: Path, tokenizer: Tokenizer) -> dict[str, str]:
    """A file or directory for every task: its --data."""
    data = {}
    for name, rows in row_sets().items():
        path = folder / f"{name}.jsonl.gz"
        path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
        data[name] = str(path)
    cut = text(40, 20).replace(",", " ,").replace(".", " .")
    wikitext = " = One = \n \n" + "".join(f" {line} \n" for line in cut.splitlines()) + " = Two = \n Ann saw . \n"
    spaced = "".join(f" {line} \n" for line in text(40, 21).replace(",", "").replace(".", "").lower().splitlines())
    for name, content in {
        "wikitext2": wikitext,
        "wikitext2-articles": wikitext,
        "wikitext2-harness": wikitext,
        "wikitext103": wikitext,
        "ptb": spaced,
        "1bw": cut,
        "enwik8": text(40, 22),
        "text8": spaced.replace("\n", "").replace("  ", " "),
    }.items():
        (folder / f"{name}.txt").write_text(content)
        data[name] = str(folder / f"{name}.txt")
    for number in range(30):
        (folder / f"document-{number}.txt").write_text(text(8, 100 + number))
    documents = read_documents([folder / "document-*.txt"])
    prepare(documents, tokenizer, folder / "shards", validation_fraction=0.3, split_rule="content")
    data |= dict.fromkeys(("loss", "openwebtext"), str(folder / "shards"))
    (folder / "core").mkdir()
    core = {
        "copa": _choice_rows(lambda q, c, g: {"query": q, "choices": c, "gold": g}, 30),
        "boolq": _choice_rows(lambda q, c, g: {"query": q, "choices": ["no", "yes"], "gold": g % 2}, 31),
        "winograd_wsc": row_sets()["winograd"],
        "lambada_openai": _choice_rows(lambda q, c, g: {"context": q, "continuation": c[g]}, 32),
    }
    for name, rows in core.items():
        (folder / "core" / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return data | {"core": str(folder / "core")}
