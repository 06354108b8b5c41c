"""How the loss of both recipes falls with size, tokens and compute, and where that points for the 124M: a projection.

    python benchmarks/recipe_search.py --data data --output scaling.jsonl --plan benchmarks/scaling.toml     # hours
    python benchmarks/scaling.py scaling.jsonl                  # the fit, and docs/figures/scaling.png

What is fitted, in bits per byte for N parameters and D tokens, is the form of Hoffmann et al. 2022, "Training
Compute-Optimal Large Language Models", section 3.3: E + A / N^alpha + B / D^beta. E, A and alpha belong to the text and
the architecture, so both recipes share them; a recipe has its own B and beta. Every run counts alike, by its relative
error. The range of a projection is what comes out when each size in turn is left out, and with E fixed at 0.
"""

import argparse
import dataclasses
import itertools
import statistics
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from small_copies import read_lines

from gpt25.model import Accounting
from gpt25.plots.pictures.drawing import COLOURS, FAINT_INK, INK, lighten_frame, new_figure, title_panel
from gpt25.plots.pictures.figure_bytes import figure_bytes
from gpt25.plots.pictures.panels import head_figure
from gpt25.recipes import load_recipe
from gpt25.storage import write_bytes

BASELINE, OURS = "gpt2_124m_adamw", "gpt2_124m"
NAMES = {BASELINE: "AdamW, the baseline", OURS: "ours"}
PICTURE = Path(__file__).parents[1] / "docs" / "figures" / "scaling.png"
HOFFMANN_EXPONENTS = (0.34, 0.28)  # Hoffmann et al. 2022, equation 10
LINE = (
    "Lower is better. Left: at every size ours ends lower, with half of the baseline's tokens. Right: what that means "
    "at 124M is not known, for fits that agree on the left differ there."
)
EXPONENTS = numpy.geomspace(0.05, 1.2, 16)


@dataclasses.dataclass(frozen=True)
class Point:
    """The mean of one recipe's runs with the same size and tokens."""

    recipe: str
    shape: str
    parameters: float
    tokens: float
    operations: float
    bits_per_byte: float
    runs: int


@dataclasses.dataclass(frozen=True)
class Fit:
    """E + A / N^alpha + B / D^beta, with B and beta by recipe; `error` is the root mean square relative error."""

    irreducible: float
    by_parameters: float
    alpha: float
    by_tokens: dict[str, float]
    beta: dict[str, float]
    error: float

    def loss(self, recipe: str, parameters: float, tokens: float) -> float:
        """Bits per byte."""
        capacity = self.irreducible + self.by_parameters * parameters**-self.alpha
        return capacity + self.by_tokens[recipe] * tokens ** -self.beta[recipe]

    def tokens_of_baseline(self, tokens: float) -> float:
        """Tokens with which the baseline reaches what ours reaches with `tokens`, at any size."""
        left = self.by_tokens[OURS] * tokens ** -self.beta[OURS]
        return (self.by_tokens[BASELINE] / left) ** (1 / self.beta[BASELINE])


def points_of(rows: Sequence[dict]) -> list[Point]:
    """Finished runs as points: of each recipe, size and length the mean over seeds of its best variant."""
    groups: dict[tuple[str, str, int], dict[str, list[dict]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row["loss"] is not None:
            groups[row["recipe"], row["shape"], row["tokens"]][row["name"]].append(row)
    points = []
    for (recipe, shape, tokens), variants in groups.items():
        best = min(variants.values(), key=lambda runs: statistics.fmean(run["bits_per_byte"] for run in runs))
        mean = statistics.fmean(run["bits_per_byte"] for run in best)
        first = best[0]
        points.append(Point(recipe, shape, first["parameters"], tokens, first["operations"], mean, len(best)))
    return sorted(points, key=lambda point: (point.parameters, point.recipe, point.tokens))


def fit(points: Sequence[Point], *, irreducible: float | None = None, one_beta: bool = False) -> Fit:
    """Least squares over relative errors: exponents by a grid and ever smaller steps, the rest is a linear problem."""
    free = 2 if one_beta else 3
    best = min(
        (_solve(points, powers, irreducible) for powers in itertools.product(EXPONENTS, repeat=free)), key=_error
    )
    for step in (1.3, 1.1, 1.03, 1.01):
        for _ in range(8):  # the valley is narrow and long: several small windows, one after the other
            factors = itertools.product(numpy.geomspace(1 / step, step, 5), repeat=free)
            tried = (tuple(numpy.multiply(_powers(best)[:free], factor)) for factor in factors)
            best = min((_solve(points, powers, irreducible) for powers in tried), key=_error)
    return best


def _error(found: Fit) -> float:
    return found.error


def _powers(found: Fit) -> tuple[float, float, float]:
    return found.alpha, found.beta[BASELINE], found.beta[OURS]


def _solve(points: Sequence[Point], powers: tuple[float, ...], irreducible: float | None) -> Fit:
    """The best non-negative coefficients for these exponents; an infinite error where there are none."""
    alpha, beta, beta_ours = (*powers, powers[-1])[:3]
    values = numpy.array([point.bits_per_byte for point in points])
    size = numpy.array([point.parameters for point in points]) ** -alpha
    own = numpy.array([point.recipe == OURS for point in points])
    tokens = numpy.array([point.tokens for point in points])
    length = numpy.where(own, tokens**-beta_ours, tokens**-beta)
    columns = [size, length * ~own, length * own]
    if irreducible is None:
        columns.append(numpy.ones_like(values))
    design = numpy.stack(columns, axis=1) / values[:, None]
    target = numpy.ones_like(values) - (0.0 if irreducible is None else irreducible / values)
    solution, *_ = numpy.linalg.lstsq(design, target, rcond=None)
    error = numpy.sqrt(numpy.mean((design @ solution - target) ** 2)) if (solution >= 0).all() else numpy.inf
    floor = solution[3] if irreducible is None else irreducible
    coefficients = {BASELINE: float(solution[1]), OURS: float(solution[2])}
    return Fit(float(floor), float(solution[0]), alpha, coefficients, {BASELINE: beta, OURS: beta_ours}, float(error))


def projections(points: Sequence[Point]) -> Iterator[tuple[str, Fit]]:
    """The fit itself, and the fits that show how far it can be trusted."""
    yield "all sizes", fit(points)
    for shape in dict.fromkeys(point.shape for point in points):
        yield f"without {shape}", fit([point for point in points if point.shape != shape])
    yield "with E = 0", fit(points, irreducible=0.0)
    yield "one beta for both", fit(points, one_beta=True)
    yield "their exponents", _solve(points, HOFFMANN_EXPONENTS, None)


def report(points: Sequence[Point], fits: Sequence[tuple[str, Fit]]) -> Iterator[str]:
    """The measured points, the fits, and what they say of the 124M."""
    heads = f"{'recipe':>20} {'shape':>6} {'parameters':>11} {'tokens':>11} {'operations':>10}"
    yield f"{heads} {'bits/byte':>9} {'fit':>7} runs"
    found = fits[0][1]
    for point in points:
        fitted = found.loss(point.recipe, point.parameters, point.tokens)
        yield (
            f"{NAMES[point.recipe]:>20} {point.shape:>6} {point.parameters:>11,} {point.tokens:>11,} "
            f"{point.operations:>10.2e} {point.bits_per_byte:>9.4f} {fitted:>7.4f} {point.runs}"
        )
    (parameters, tokens), (_, own_tokens) = big_size(BASELINE), big_size(OURS)
    yield f"\nprojected to {parameters:,} parameters: bits per byte of the baseline with {tokens / 1e9:.1f}B tokens,"
    yield f"of ours with {own_tokens / 1e9:.1f}B, and the tokens with which the baseline would reach ours"
    for name, one in fits:
        baseline, ours = one.loss(BASELINE, parameters, tokens), one.loss(OURS, parameters, own_tokens)
        equal = one.tokens_of_baseline(own_tokens)
        yield (
            f"{name:>17}: {baseline:.3f} {ours:.3f} {equal / 1e9:7.1f}B    E {one.irreducible:.2f}, "
            f"alpha {one.alpha:.2f}, beta {one.beta[BASELINE]:.2f} and {one.beta[OURS]:.2f}, error {one.error:.2%}"
        )


def big_size(recipe: str) -> tuple[int, int]:
    """Parameters and tokens of the recipe itself."""
    configuration = load_recipe(recipe)
    return Accounting(configuration.model).parameters, configuration.total_tokens


def picture(points: Sequence[Point], fits: Sequence[tuple[str, Fit]]) -> Figure:
    """Two panels, each as wide and as high as what it shows: what was measured, and what every fit says of the 124M."""
    figure = new_figure(10.0, 5.6)
    room = head_figure(figure, "Small copies of two recipes", LINE)
    measured, projected = room.subplots(1, 2, width_ratios=[5, 3])
    for recipe, colour in zip(NAMES, COLOURS, strict=False):
        for shape in dict.fromkeys(point.shape for point in points):
            own = [point for point in points if (point.recipe, point.shape) == (recipe, shape)]
            if own:
                _draw_size(measured, own, fits[0][1], colour)
        measured.plot([], [], "o", color=colour, markersize=5, label=NAMES[recipe])
    measured.set_xscale("log")
    measured.set_xlabel("operations of the training", color=INK, fontsize=10)
    measured.set_ylabel("validation loss in bits per byte", color=INK, fontsize=10)
    measured.legend(edgecolor="none", framealpha=1, fontsize=9, labelcolor=INK, loc="upper right")
    title_panel(measured, "Measured", "line: the fit of all sizes")
    lighten_frame(measured)
    _draw_projections(projected, fits)
    return figure


def _draw_size(panel: Axes, own: Sequence[Point], found: Fit, colour: str) -> None:
    """The runs of one recipe and size, and the fitted curve through them."""
    lengths = numpy.geomspace(own[0].tokens / 1.2, own[-1].tokens * 1.2, 30)
    curve = [found.loss(own[0].recipe, own[0].parameters, tokens) for tokens in lengths]
    panel.plot(lengths * own[0].operations / own[0].tokens, curve, color=colour, linewidth=1.2, alpha=0.6)
    operations, losses = [point.operations for point in own], [point.bits_per_byte for point in own]
    panel.plot(operations, losses, "o", color=colour, markersize=5)
    if own[0].recipe == BASELINE:
        size = f"{own[0].parameters / 1e6:.1f}M"
        note = panel.annotate(size, (operations[0], losses[0]), (4, 6), textcoords="offset points")
        note.set(color=FAINT_INK, fontsize=9)


def _draw_projections(panel: Axes, fits: Sequence[tuple[str, Fit]]) -> None:
    """The 124M after all its tokens, which nobody has trained here: a pair of rings for each fit, side by side."""
    for recipe, colour in zip(NAMES, COLOURS, strict=False):
        parameters, tokens = big_size(recipe)
        losses = [found.loss(recipe, parameters, tokens) for _, found in fits]
        places = numpy.arange(len(fits)) + (-0.12 if recipe == BASELINE else 0.12)
        panel.plot(places, losses, "o", color=colour, markerfacecolor="white", markersize=6)
        for place, loss in zip(places[:1], losses[:1], strict=True):
            side = -1 if recipe == BASELINE else 1
            note = panel.annotate(f"{loss:.2f}", (place, loss), (6 * side, 6), textcoords="offset points")
            note.set(color=colour, fontsize=9, ha="right" if side < 0 else "left")
    panel.set_xticks(range(len(fits)), [name for name, _ in fits], rotation=50, ha="right", rotation_mode="anchor")
    sizes = " and ".join(f"{big_size(recipe)[1] / 1e9:.0f}B" for recipe in NAMES)
    panel.set_xlabel(f"fit, after {sizes} tokens", color=INK, fontsize=10)
    panel.set_xlim(-0.9, len(fits) - 0.4)
    title_panel(panel, "The 124M, projected")
    lighten_frame(panel)


def main() -> None:
    """Read the runs, fit, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path, nargs="+", help="outputs of recipe_search.py")
    parser.add_argument("--output", type=Path, default=PICTURE)
    arguments = parser.parse_args()
    points = points_of([row for path in arguments.runs for row in read_lines(path)])
    fits = list(projections(points))
    print("\n".join(report(points, fits)))
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(arguments.output, figure_bytes(picture(points, fits), "png"))


if __name__ == "__main__":
    main()
