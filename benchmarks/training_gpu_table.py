"""What training_gpu.py prints: a line for every contender, and whether the targets are met."""

from typing import Any

TARGETS = (("nanoGPT", 1.5), ("transformers Trainer", 2.5))
SHARE_OF_MATRIX_RATE = 0.6


def print_table(contenders: list[Any], operations: int, matrix_rate: float) -> list[dict[str, Any]]:
    """Print one line a contender, `operations` being those of a token's training; returns the same as data."""
    measured = {one.name: one for one in contenders if one.rounds}
    bases = [name for name in ("nanoGPT", "transformers Trainer", "everything") if name in measured]
    width = max(len(one.name) for one in contenders) + 2
    heads = "".join(f"{'to ' + name.split()[-1]:>15}" for name in bases)
    print(f"{'':{width}}{'tokens/s':>10}{heads}{'of products':>13}{'peak GB':>9}   tokens/s of every round")
    rows = []
    for one in contenders:
        if not one.rounds:
            print(f"{one.name:{width}}failed: {one.problem}")
            rows.append({"name": one.name, "problem": one.problem})
            continue
        ratios = {name: one.rate / measured[name].rate for name in bases}
        share = one.rate * operations / matrix_rate
        every = [each["tokens"] / each["seconds"] for each in one.rounds]
        columns = "".join(f"{ratio:>15.2f}" for ratio in ratios.values())
        print(
            f"{one.name:{width}}{one.rate:>10,.0f}{columns}{share:>13.1%}"
            f"{one.peak_bytes / 1e9:>9.2f}   {' '.join(f'{rate:,.0f}' for rate in every)}"
        )
        rows.append(
            {
                "name": one.name,
                "tokens_per_second": one.rate,
                "ratios": ratios,
                "share_of_matrix_rate": share,
                "peak_bytes": one.peak_bytes,
                "rounds": one.rounds,
            }
        )
    return rows


def print_verdicts(rows: list[dict[str, Any]], device_type: str) -> None:
    """Say whether the targets, which are for one H200, are met here."""
    lines = []
    for row in rows:
        if not row["name"].startswith("gpt25") or "problem" in row:
            continue
        found = [
            (f"{ratio:.2f} times {base} where the target is {target}", ratio >= target)
            for base, target in TARGETS
            if (ratio := row["ratios"].get(base)) is not None
        ]
        share = row["share_of_matrix_rate"]
        target_share = f"{SHARE_OF_MATRIX_RATE:.0%}"
        found.append(
            (f"{share:.0%} of the matrix rate where the target is {target_share}", share >= SHARE_OF_MATRIX_RATE)
        )
        lines += [f"{row['name']}: {text}: {'met' if met else 'missed'}" for text, met in found]
    if lines and device_type != "cuda":
        lines.append("These targets are one H200's; on a processor they say nothing.")
    print("\n".join(lines))
