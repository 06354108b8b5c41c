"""Where more GPUs stop being worth it, by arithmetic: the page docs/scaling_on_paper.md, or the tables alone.

python benchmarks/scaling_on_paper.py           # the tables
python benchmarks/scaling_on_paper.py --page    # writes docs/scaling_on_paper.md
"""

import argparse
import dataclasses
import textwrap
from pathlib import Path

from gpt25.model import Accounting
from gpt25.recipes import load_recipe
from gpt25.recipes.planning import scaling
from gpt25.references.gpu_specifications import MODEL_FLOPS_UTILISATION, MODEL_FLOPS_UTILISATION_SOURCE
from gpt25.references.scores import PUBLISHED_SCORES
from gpt25.training import TrainingConfiguration
from gpt25.training.optimizers.orthogonalisation_rounds import LARGEST_GROUP

PAGE = Path(__file__).parents[1] / "docs" / "scaling_on_paper.md"
SIZES = {"gpt2": "gpt2_124m", "gpt2-medium": "gpt2_medium", "gpt2-large": "gpt2_large", "gpt2-xl": "gpt2_xl"}
GPUS = (8, 64, 512)

HEAD = """# Scaling on paper

A projection by arithmetic, not a measurement: `python benchmarks/scaling_on_paper.py --page` writes this page from
[recipes/planning/scaling.py](../gpt25/recipes/planning/scaling.py), where every formula stands, and a test holds
them together.

## What is assumed
"""
ASSUMPTIONS = (
    f"H100s, {scaling.GPUS_PER_NODE} in a node, at {MODEL_FLOPS_UTILISATION:.0%} of their peak in bfloat16, "
    f"as `gpt25 plan` counts: {MODEL_FLOPS_UTILISATION_SOURCE}. The utilisation is the same however few rows a GPU is "
    "left with, which is too kind to many GPUs.",
    "Gradients in float32, averaged by ring all-reduce: of n GPUs each sends 2 (n - 1) / n of them. The ring runs at "
    f"{scaling.LINK_UTILISATION:.0%} of NVLink ({scaling.NVLINK_BYTES_PER_SECOND / 1e9:.0f} GB/s a GPU and direction) "
    f"in a node, and of a node's eight 400 Gbit/s adapters ({scaling.NETWORK_BYTES_PER_SECOND / 1e9:.0f} GB/s each) "
    f"between nodes; each 25 MiB of gradients begin with 2 log2(n) hops of {scaling.STEP_SECONDS * 1e6:.0f} "
    "microseconds.",
    "The backward pass of the last micro-batch hides the exchange, except that of the embeddings: the head is tied to "
    "them, so their gradient is complete only at the end.",
    f"AdamW passes once over {scaling.ADAMW_BYTES} bytes a parameter on every GPU. Muon's orthogonalisation, in "
    f"bfloat16, is shared out among {LARGEST_GROUP} neighbours, a node's GPUs, which exchange the matrices in bfloat16 "
    "by NVLink, the large ones while they compute the others. Recipes without Muon exchange none.",
    "Weights are replicated on every GPU, but for gpt2-xl, whose recipe has loop.shard_parameters: there every "
    "micro-batch gathers them for its forward and again for its backward pass and scatters gradients, three times half "
    "of an all-reduce, behind all that it computes but for the embeddings'; and a GPU's AdamW passes over its shard.",
)


def table(heads: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    return "\n".join("| " + " | ".join(row) + " |" for row in [heads, ["---"] * len(heads), *rows]) + "\n"


def strong_rows(model: str, configuration: TrainingConfiguration) -> list[list[str]]:
    """A row for each number of GPUs, with the recipe's own batch."""
    rows = []
    for gpus in GPUS:
        time = scaling.update_time(configuration, gpus)
        figures = [1e3 * value for value in (time.compute, time.optimizer, time.exchange, time.exposed)]
        volume = (
            scaling.exchanges(configuration, gpus)
            * 2
            * (gpus - 1)
            / gpus
            * 4
            * Accounting(configuration.model).parameters
        )
        rate = configuration.batch.tokens_per_update / time.total
        used = scaling.efficiency(configuration, gpus)
        sent = [f"{value / 1e9:.2f}" for value in (volume, scaling.muon_bytes(configuration, gpus))]
        shown = [*sent, *(f"{value:.1f}" for value in figures), f"{rate / 1e6:.2f}", f"{used:.0%}"]
        rows.append([model, f"{gpus}", *shown])
    return rows


def limit_row(model: str, configuration: TrainingConfiguration) -> list[str]:
    """Where a size stops being worth it, with the recipe's batch and with the critical one."""
    loss = next(
        score.value
        for score in PUBLISHED_SCORES
        if (score.task, score.metric, score.model) == ("fineweb", "loss", model)
    )
    critical = scaling.critical_batch_tokens(loss)
    block = configuration.model.block_size
    power = 2 ** int(critical / block).bit_length() // 2 * block
    batch = dataclasses.replace(configuration.batch, tokens_per_update=power)
    larger = dataclasses.replace(configuration, batch=batch)
    return [
        model,
        f"{configuration.batch.tokens_per_update / 1e6:.2f}",
        f"{scaling.most_efficient_gpus(configuration)}",
        f"{loss:.3f}",
        f"{critical / 1e6:.2f}",
        f"{power / 1e6:.2f}",
        f"{scaling.most_efficient_gpus(larger)}",
    ]


def conclusion(recipes: dict[str, TrainingConfiguration]) -> str:
    """What the tables say about 8, 64 and 512 GPUs."""
    used = {gpus: [scaling.efficiency(recipe, gpus) for recipe in recipes.values()] for gpus in GPUS}
    kept = [f"{gpus} GPUs keep {min(each):.0%} to {max(each):.0%} of the ideal" for gpus, each in used.items()]
    return textwrap.fill(
        f"With the recipes' own batches, {kept[0]}, {kept[1]}, and {kept[2]}. A node is always worth it, and eight "
        "nodes still are; at 512 a row or two are left to each GPU, and what remains is the exchange and the "
        "optimizer, which no GPU more makes shorter. A batch beyond the critical one would keep them busy, but with "
        "tokens that teach less: at the critical batch a run needs twice the tokens of a small one, and money goes "
        "with the tokens.",
        width=120,
        break_on_hyphens=False,
    )


def page() -> str:
    """The whole page."""
    recipes = {model: load_recipe(name) for model, name in SIZES.items()}
    heads = [
        "model",
        "GPUs",
        "GB sent by each",
        "Muon's GB",
        "compute ms",
        "optimizer ms",
        "exchange ms",
        "not hidden ms",
    ]
    heads += ["million tokens/s", "of the ideal"]
    strong = table(heads, [row for model, recipe in recipes.items() for row in strong_rows(model, recipe)])
    limits = ["model", "batch, million tokens", f"GPUs at {scaling.LEAST_EFFICIENCY:.0%} or more", "loss"]
    limits += [
        "critical batch, million tokens",
        "power of two below",
        f"GPUs at {scaling.LEAST_EFFICIENCY:.0%} with it",
    ]
    rows = table(limits, [limit_row(model, recipe) for model, recipe in recipes.items()])
    assumed = "\n".join(
        textwrap.fill(f"- {sentence}", width=120, subsequent_indent="  ", break_on_hyphens=False)
        for sentence in ASSUMPTIONS
    )
    weak = textwrap.fill(
        'The critical batch is 2.1e8 tokens / loss^(1 / 0.21) (Kaplan et al. 2020, "Scaling Laws for Neural Language '
        'Models", equation 1.4, measured on WebText2; after McCandlish et al. 2018), at the loss on FineWeb that '
        "OpenAI's model of the size has. It is the weak limit: a larger batch lets more GPUs work, and less is gained.",
        width=120,
        break_on_hyphens=False,
    )
    return (
        f"{HEAD}\n{assumed}\n\n## An update of the recipe's batch\n\n{strong}\n## Where it stops\n\n{rows}\n{weak}\n\n"
        f"{conclusion(recipes)}\n"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--page", action="store_true", help="write docs/scaling_on_paper.md")
    if parser.parse_args().page:
        PAGE.write_text(page(), encoding="utf-8")
    else:
        print(page())
