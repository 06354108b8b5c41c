"""The report's sections, each a piece of HTML or nothing where the run has nothing to show.

All text that comes from a file passes through `text`, which makes it inert.
"""

from collections.abc import Sequence
from typing import Any

from gpt25.counted import counted
from gpt25.markup import text
from gpt25.plots.curves import Curves, HorizontalAxis, vertical_limits
from gpt25.plots.formatting import count, count_of, duration, size
from gpt25.plots.report.run_facts import RunFacts, headline, lead, why_validation_differs
from gpt25.plots.report.svg_chart import loss_chart
from gpt25.records import Summary
from gpt25.version import __version__

_WIDE, _NARROW = (812, 380), (358, 300)
_MOST_SAMPLES_SHOWN = 6
_LONGEST_SAMPLE = 4_000
_LONGEST_FACT = 300


def opening(facts: RunFacts) -> str:
    """The result in words and the figures that matter most."""
    summary = facts.summary
    tiles = [
        ("bits per byte", f"{summary.bits_per_byte:.3f}", "held-out text")
        if summary.bits_per_byte is not None
        else None,
        ("held-out loss", f"{summary.held_out_loss:.3f}", f"nats per token, {_all_tokens(summary)}")
        if summary.held_out_loss is not None
        else None,
        ("validation loss", f"{summary.validation_loss:.3f}", f"nats per token{_sample_of(facts)}")
        if summary.validation_loss is not None
        else None,
        (
            "training loss",
            f"{facts.last_training_loss:.3f}",
            "nats per token, smoothed" if facts.by_tokens.is_smoothed else "nats per token",
        )
        if facts.last_training_loss is not None
        else None,
        ("model", count(summary.model_parameters), "parameters") if summary.model_parameters else None,
        ("tokens seen", count(summary.tokens), _updates(facts)) if summary.tokens is not None else None,
        ("training time", duration(summary.training_seconds), _speed(facts))
        if summary.training_seconds is not None
        else None,
    ]
    eyebrow = summary.title if summary.title == facts.name else f"{summary.title} · {facts.name}"
    cells = "".join(
        f"<div><dt>{text(name)}</dt><dd>{text(value)}<small>{text(unit)}</small></dd></div>"
        for name, value, unit in (tile for tile in tiles if tile is not None)
    )
    return (
        f'<header><p class="eyebrow">{text(eyebrow)}</p><h1>{text(headline(facts))}</h1>'
        f'<p class="lead">{text(lead(facts))}</p></header>' + (f'<dl class="tiles">{cells}</dl>' if cells else "")
    )


def losses(facts: RunFacts) -> str:
    """The loss against tokens and against time."""
    heading = "<section><h2>Loss</h2>"
    if facts.by_tokens.is_empty and facts.by_seconds.is_empty:
        return f'{heading}<p class="note">No loss has been measured yet.</p></section>'
    explanation = (
        "<p>How badly the model predicts the next token, in nats: lower is better. "
        f"{text(_two_losses(facts))}{text(why_validation_differs(facts))}</p>"
    )
    non_finite = len(facts.by_tokens.not_finite)
    if non_finite:
        where = "at one update" if non_finite == 1 else f"at {non_finite:,} updates"
        explanation += f'<p class="alarm-note">The training loss was not a finite number {where}, marked ×.</p>'
    return (
        f"{heading}{explanation}{_figure(facts.by_tokens, x='tokens', title='Against tokens')}"
        f"{_figure(facts.by_seconds, x='seconds', title='Against time')}</section>"
    )


def compression(facts: RunFacts) -> str:
    """Bits per byte of the model beside what compressors reach on the same bytes, smallest first."""
    summary = facts.summary
    if summary.bits_per_byte is None:
        return ""
    own = summary.bits_per_byte
    figures = sorted([("this model", own, True), *((*item, False) for item in summary.compressors.items())], key=_bits)
    widest = max(bits for _, bits, _ in figures) or 1.0
    rows = "".join(
        f"<tr{' class=own' if is_own else ''}><th>{text(name)}</th><td class=number>{bits:.3f}</td>"
        f'<td class=bar><i style="width:{100 * bits / widest:.1f}%"></i></td></tr>'
        for name, bits, is_own in figures
    )
    amount = f"{size(summary.held_out_bytes)} of text" if summary.held_out_bytes else "text"
    return (
        "<section><h2>Predicting is compressing</h2>"
        f"<p>Bits needed per byte of {text(amount)} that the model never saw. Fewer is better; "
        "stored plainly, a byte takes 8.</p>"
        "<table><thead><tr><th></th><th class=number>bits per byte</th><th></th></tr></thead>"
        f"<tbody>{rows}</tbody></table>"
        '<p class="note">The compressors start from nothing on these bytes, while the model brings what it learned in '
        "training, and its own size is not counted. The figures share a scale; they are not a contest on equal terms."
        "</p></section>"
    )


def samples(facts: RunFacts) -> str:
    """What the model wrote as training went on: a few moments from first to last, the others folded away."""
    if not facts.samples:
        return ""
    number = len(facts.samples)
    chosen = sorted({round(place * (number - 1) / (_MOST_SAMPLES_SHOWN - 1)) for place in range(_MOST_SAMPLES_SHOWN)})
    chosen_samples = "".join(_sample(facts.samples[place]) for place in chosen)
    rest = [facts.samples[place] for place in range(number) if place not in chosen]
    folded = (
        f"<details><summary>{len(rest)} more in between</summary>{''.join(map(_sample, rest))}</details>"
        if rest
        else ""
    )
    return (
        "<section><h2>What it writes</h2><p>Texts from different moments of the training, oldest first; "
        f'<span class="prompt">prompts</span> are set off in colour.</p>{chosen_samples}{folded}</section>'
    )


def next_commands(facts: RunFacts) -> str:
    """Commands worth typing next."""
    if not facts.summary.next_commands:
        return ""
    commands = "\n".join(text(command) for command in facts.summary.next_commands)
    return f'<section><h2>Go on from here</h2><pre class="commands">{commands}</pre></section>'


def details(facts: RunFacts) -> str:
    """Figures of the run, its recipe, the machine."""
    speed = None if facts.tokens_per_second is None else f"{facts.tokens_per_second:,.0f} tokens/s"
    updates = [f"{record.update:,}" for record in facts.checkpoints]
    kept = ", ".join(updates if len(updates) <= 6 else [*updates[:2], "…", *updates[-3:]])
    facts_of_run = {
        "Updates": None if facts.last_update is None else f"{facts.last_update:,}",
        "Tokens seen": None if facts.summary.tokens is None else f"{facts.summary.tokens:,}",
        "Training time": None if facts.summary.training_seconds is None else duration(facts.summary.training_seconds),
        "Speed (median)": speed,
        "Parameters": None if facts.summary.model_parameters is None else f"{facts.summary.model_parameters:,}",
        "Went on": "; ".join(
            f"after update {each.after:,}, to {counted(each.updates, 'updates')} instead of {each.planned:,}"
            for each in facts.extensions
        )
        or None,
        "Checkpoints": f"after update {kept}" if kept else "none yet",
    }
    recipe = (
        f"<details open><summary>Recipe (run.toml)</summary><pre>{text(facts.recipe_text)}</pre></details>"
        if facts.recipe_text
        else ""
    )
    return f"<section><h2>The run</h2>{_facts_table(facts_of_run)}{recipe}{_machines(facts.environment)}</section>"


def footer() -> str:
    """Who wrote this."""
    return f"<footer>Written by gpt25 {text(__version__)}. This page loads nothing and runs nothing.</footer>"


def _machines(environment: dict[str, Any]) -> str:
    """The machine and its software; below it, folded away, the versions, and what the run went on from."""
    if not environment:
        return ""
    folded = {name: environment.get(name) for name in ("requirements", "earlier")}
    shown = {name: value for name, value in environment.items() if name not in folded}
    parts = ["<h2>The machine</h2>", _facts_table(shown)]
    if isinstance(versions := folded["requirements"], dict):
        parts.append(
            f"<details><summary>Versions of "
            f"{counted(len(versions), 'packages')}</summary>{_facts_table(versions)}</details>"
        )
    if isinstance(earlier := folded["earlier"], list):
        for number, each in enumerate(earlier, start=1):
            if isinstance(each, dict):
                differing = {name: value for name, value in each.items() if value != environment.get(name)}
                summary = f"What differed before, {number} of {len(earlier)}"
                parts.append(f"<details><summary>{summary}</summary>{_facts_table(differing)}</details>")
    return "".join(parts)


def _figure(curves: Curves, *, x: HorizontalAxis, title: str) -> str:
    """One graph with its key, drawn twice: for wide windows and for phones, where scaling would shrink the letters."""
    if curves.is_empty:
        return ""
    training = "training, smoothed" if curves.is_smoothed else "training"
    keys = f'<span class="key">{training}</span>' if curves.training else ""
    if curves.validation:
        keys += f'<span class="key validation">{curves.validation_name}, last {curves.validation[-1][1]:.3f}</span>'
    if curves.held_out:
        keys += f'<span class="key held-out">all held-out text, {curves.held_out[1]:.3f}</span>'
    _, highest = vertical_limits([curves])
    if curves.training and curves.training[0][1] > highest:
        keys += f"<span>starts at {curves.training[0][1]:.2f}, above the frame</span>"
    charts = "".join(
        f'<div class="{name}">{loss_chart(curves, x=x, width=width, height=height)}</div>'
        for name, (width, height) in (("wide", _WIDE), ("narrow", _NARROW))
    )
    return f"<figure><figcaption><b>{title}</b>{keys}</figcaption>{charts}</figure>"


def _sample(row: dict[str, Any]) -> str:
    """One text under the moment at which it was written, the prompt set off from what the model added."""
    moment = f"update {row['update']:,}"
    if isinstance(row.get("tokens"), int):
        moment = f"after {count_of(row['tokens'], 'tokens')} · {moment}"
    written = str(row.get("text", ""))
    beyond = len(written) - _LONGEST_SAMPLE
    remark = f'<span class="note">\n… {beyond:,} more characters in samples.jsonl</span>' if beyond > 0 else ""
    prompt = f'<span class="prompt">{text(row.get("prompt", ""))}</span>'
    return (
        f'<article class="sample"><header>{text(moment)}</header>'
        f"<pre>{prompt}{text(written[:_LONGEST_SAMPLE])}{remark}</pre></article>"
    )


def _all_tokens(summary: Summary) -> str:
    return "all held-out text" if summary.held_out_tokens is None else f"all {summary.held_out_tokens:,} tokens"


def _sample_of(facts: RunFacts) -> str:
    tokens = facts.by_tokens.validation_tokens
    return "" if tokens is None else f", {tokens:,} tokens"


def _two_losses(facts: RunFacts) -> str:
    """What tells the two losses on held-out text apart, for a run that has both."""
    if facts.summary.held_out_loss is None or not facts.by_tokens.validation:
        return ""
    tokens = facts.by_tokens.validation_tokens
    sample = "a few held-out tokens" if tokens is None else f"the same {tokens:,} held-out tokens"
    return (
        f"The validation loss (rings) is measured on {sample} on the way; the held-out loss (diamond) once at the end, "
        "on all of the held-out text and with at least half a block before each token. "
    )


def _facts_table(facts: dict[str, Any]) -> str:
    """Names on the left, values on the right; what is None is left out, and bytes are told in their unit."""
    readable = {
        name.removesuffix("_bytes"): size(value) if name.endswith("_bytes") and isinstance(value, int) else value
        for name, value in facts.items()
    }
    rows = "".join(
        f"<tr><th>{text(name.replace('_', ' '))}</th><td>{text(_formatted(value))}</td></tr>"
        for name, value in readable.items()
        if value is not None
    )
    return f'<table class="facts"><tbody>{rows}</tbody></table>'


def _formatted(value: Any) -> str:
    """A value from a JSON file in a table's cell."""
    if isinstance(value, list):
        formatted = ", ".join(map(_formatted, value)) or "none"
    elif isinstance(value, dict):
        formatted = ", ".join(_named(name.replace("_", " "), each) for name, each in value.items())
    else:
        formatted = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
    return formatted if len(formatted) <= _LONGEST_FACT else f"{formatted[:_LONGEST_FACT]}…"


def _named(name: str, value: Any) -> str:
    """As in "commit 1f114f7"; ("is clean", False) -> "not clean"."""
    if isinstance(value, bool) and name.startswith("is "):
        return name.removeprefix("is ") if value else f"not {name.removeprefix('is ')}"
    return f"{name} {_formatted(value)}"


def _updates(facts: RunFacts) -> str:
    return "" if facts.last_update is None else count_of(facts.last_update, "updates")


def _speed(facts: RunFacts) -> str:
    return "" if facts.tokens_per_second is None else f"{facts.tokens_per_second:,.0f} tokens/s"


def _bits(figure: Sequence[Any]) -> float:
    return float(figure[1])
