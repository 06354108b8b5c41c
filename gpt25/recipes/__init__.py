"""Where the floors meet: whole jobs, from arguments to files. Thin on purpose; what can live lower does."""

from typing import TYPE_CHECKING

from gpt25.lazy_face import lazy_face

if TYPE_CHECKING:
    from gpt25.recipes.dry_run import DryRun, dry_run
    from gpt25.recipes.length import of_length, what_was_scaled, with_length
    from gpt25.recipes.model_at_hand import model_at_hand
    from gpt25.recipes.pretrain import pretrain
    from gpt25.recipes.quickstart import quickstart
    from gpt25.recipes.recipe import load_recipe, recipe_names, recipe_text
    from gpt25.recipes.reporter import Reporter
    from gpt25.recipes.reproduction.reproduction import reproduce
    from gpt25.recipes.reproduction.reproduction_settings import ReproductionSettings
    from gpt25.recipes.run.run_report import write_run_report
    from gpt25.recipes.score_comparisons import score_comparisons

__all__ = [
    "DryRun",
    "Reporter",
    "ReproductionSettings",
    "dry_run",
    "load_recipe",
    "model_at_hand",
    "of_length",
    "pretrain",
    "quickstart",
    "recipe_names",
    "recipe_text",
    "reproduce",
    "score_comparisons",
    "what_was_scaled",
    "with_length",
    "write_run_report",
]

lazy_face(
    __name__,
    {
        "DryRun": "dry_run",
        "Reporter": "reporter",
        "ReproductionSettings": "reproduction.reproduction_settings",
        "dry_run": "dry_run",
        "load_recipe": "recipe",
        "model_at_hand": "model_at_hand",
        "of_length": "length",
        "pretrain": "pretrain",
        "quickstart": "quickstart",
        "recipe_names": "recipe",
        "recipe_text": "recipe",
        "reproduce": "reproduction.reproduction",
        "score_comparisons": "score_comparisons",
        "what_was_scaled": "length",
        "with_length": "length",
        "write_run_report": "run.run_report",
    },
)
