"""Which published set a run was trained on, and whether several runs can be compared at all."""

from collections.abc import Sequence
from typing import Any, cast, get_args

from gpt25.errors import PlotError
from gpt25.plots.curves import names_of
from gpt25.plots.measures.loss_measure import loss_measure
from gpt25.plots.measures.published_lines import DataSetName, PublishedLine, hellaswag_lines, loss_lines
from gpt25.records import RunDirectory, data_indices, is_trial

_HUB_NAMES: dict[str, DataSetName] = {
    "huggingfacefw/fineweb-edu": "fineweb-edu",
    "karpathy/fineweb-edu": "fineweb-edu",
    "kjj0/finewebedu10b": "fineweb-edu",
    "huggingfacefw/fineweb": "fineweb",
    "kjj0/fineweb10b": "fineweb",
    "skylion007/openwebtext": "openwebtext",
}  # the longer of two that begin alike stands first
_GPT2_VOCABULARY = range(50_257, 50_305)  # 50,304 is the same, padded


def data_set_of(run: RunDirectory) -> DataSetName | None:
    """The set whose Hub name stands among the sources in the index of the run's shards, else track.data_set."""
    for source in _listed(data_indices(run), "sources"):
        for name, data_set in _HUB_NAMES.items():
            if name in str(source).lower():
                return data_set
    track = run.recipe().get("track")
    recorded = track.get("data_set") if isinstance(track, dict) else None
    return cast(DataSetName, recorded) if recorded in get_args(DataSetName) else None


def lines_beside(runs: Sequence[RunDirectory], chosen: DataSetName | None = None) -> list[PublishedLine]:
    """OpenAI's figures that may be drawn beside these runs, of models up to twice their size.

    Losses on the set that they were trained on, never another's, and HellaSwag; nothing beside a trial. Raises
    PlotError like `common_data_set`.
    """
    if any(is_trial(run.recipe()) for run in runs):
        return []
    known = [summary.model_parameters or 0 for run in runs if (summary := run.read_summary()) is not None]
    parameters = max(known, default=0)
    return [*loss_lines(common_data_set(runs, chosen), parameters=parameters), *hellaswag_lines(parameters)]


def common_data_set(runs: Sequence[RunDirectory], chosen: DataSetName | None) -> DataSetName | None:
    """The set whose lines may be drawn: the chosen one or the recorded one; None where nobody says, or for several.

    Raises PlotError where the runs' losses can be compared neither per token nor per byte, and where a run is known to
    be of another set, or of other tokens, than the chosen one.
    """
    recorded = {name: data_set_of(run) for name, run in zip(names_of(runs), runs, strict=True)}
    if loss_measure(runs).unit != "nats per token":
        if chosen:
            raise PlotError(
                f"--data-set {chosen} asks for OpenAI's losses per GPT-2 token, and these runs are compared in bits "
                "per byte, for they read different tokens. Leave the flag out."
            )
        return None
    known = [data_set for data_set in recorded.values() if data_set]
    if len(set(known)) > 1:
        listed = ", ".join(f"{name}: {data_set}" for name, data_set in recorded.items() if data_set)
        raise PlotError(
            f"these runs cannot be compared: they were trained on different sets ({listed}), and nothing says that "
            "they are validated on the same one. Compare runs of one set and tokenizer."
        )
    if chosen and known and chosen != known[0]:
        name = next(name for name, data_set in recorded.items() if data_set)
        raise PlotError(f"--data-set is {chosen}, but the shards of {name} were made of {known[0]}.")
    sizes = {size for run in runs if (size := _vocabulary(run)) is not None}
    if any(size not in _GPT2_VOCABULARY for size in sizes):
        if chosen:
            raise PlotError(
                f"--data-set {chosen} asks for OpenAI's losses per GPT-2 token; a run has a vocabulary of "
                f"{sizes.pop():,}, so that its loss per token cannot be compared. Leave the flag out."
            )
        return None
    return chosen or (known[0] if known else None)


def loss_reference_lines(runs: Sequence[RunDirectory], chosen: DataSetName | None = None) -> list[tuple[str, float]]:
    """Names and values of the losses among `lines_beside`, for a loss graph in nats per token.

    Raises PlotError where the runs read different tokens, too.
    """
    measure = loss_measure(runs)
    if measure.unit != "nats per token":
        raise PlotError(
            "a loss graph is in nats per token, and these runs read different tokens. gpt25 compare draws them in bits "
            "per byte."
        )
    return [(line.label, line.value) for line in lines_beside(runs, chosen) if not line.higher_is_better]


def _vocabulary(run: RunDirectory) -> int | None:
    model = run.recipe().get("model")
    size = model.get("vocabulary_size") if isinstance(model, dict) else None
    return size if isinstance(size, int) else None


def _listed(contents: Sequence[Any], field: str) -> list[Any]:
    """The lists under one field of several objects, one after the other."""
    lists = [content.get(field) for content in contents if isinstance(content, dict)]
    return [each for found in lists if isinstance(found, list) for each in found]
