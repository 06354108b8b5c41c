"""The YAML at the head of a model card, from which the Hub makes its filters and its table of results."""

from gpt25.recipes.sharing.card_facts import CardFacts
from gpt25.recipes.sharing.card_scores import CardScore


def card_metadata(facts: CardFacts, scores: list[CardScore], *, name: str, licence: str | None) -> str:
    """The metadata as YAML, in the Hub's own terms and by its client's own writer.

    name: the model's, without its owner. licence: what the weights are given away under, as the Hub spells it; None
    says nothing. Figures stand in `model-index`, with their standard error in the metric's name.
    """
    from huggingface_hub import EvalResult, ModelCardData  # which reads its variables when it is imported

    known = None if facts.data is None else facts.data.known
    results = [
        EvalResult(
            task_type="text-generation",
            dataset_type=score.data_set,
            dataset_name=score.title,
            metric_type=_metric_type(score.metric),
            metric_name=f"{score.task} {score.metric}{_error_in_words(score)}",
            metric_value=score.value,
            dataset_split="validation" if score.task == "validation" else None,
        )
        for score in scores
    ]
    data = ModelCardData(
        language=None if known is None else known.language,
        license=licence,
        library_name="transformers",
        pipeline_tag="text-generation",
        tags=["gpt2", "gpt25"],
        datasets=_data_sets(facts) or None,
        base_model=facts.base_model,
        base_model_relation=None if facts.base_model is None else "finetune",
        model_name=name,
        eval_results=results or None,
    )
    if not results:
        data.model_name = None  # of the table of results alone
    return f"{data.to_yaml()}\n"


def _data_sets(facts: CardFacts) -> list[str]:
    if facts.data is None:
        return []
    known = facts.data.known
    own = [known.repository] if known is not None and known.repository is not None else []
    return list(dict.fromkeys([*own, *facts.data.hub_names]))


def _metric_type(metric: str) -> str:
    """The Hub's name of a metric: _metric_type("accuracy_norm") -> "accuracy"."""
    return next((known for known in ("accuracy", "perplexity", "loss") if known in metric), metric)


def _error_in_words(score: CardScore) -> str:
    return "" if score.standard_error is None else f" (standard error {score.standard_error:.2g})"
