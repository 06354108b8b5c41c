"""What a run directory holds: its files' names, metrics, samples, summary, and which checkpoints are complete."""

from gpt25.records.averaged_weights import last_and_averaged_losses
from gpt25.records.checkpoint_record import STATE_NAME, CheckpointRecord
from gpt25.records.data_indices import data_indices
from gpt25.records.extensions import Extended, extensions_of
from gpt25.records.kept_evaluation import read_evaluations
from gpt25.records.model_argument import no_such_directory, split_model_argument
from gpt25.records.money import (
    DEFAULT_CURRENCY,
    money_text,
    price_text,
    require_currency,
    require_currency_with_price,
)
from gpt25.records.offered_command import offered_command
from gpt25.records.run_directory import RunDirectory
from gpt25.records.summary import Summary
from gpt25.records.this_shell import in_this_shell
from gpt25.records.trial import is_trial
from gpt25.records.validation_tokens import last_validation_tokens

__all__ = [
    "DEFAULT_CURRENCY",
    "STATE_NAME",
    "CheckpointRecord",
    "Extended",
    "RunDirectory",
    "Summary",
    "data_indices",
    "extensions_of",
    "in_this_shell",
    "is_trial",
    "last_and_averaged_losses",
    "last_validation_tokens",
    "money_text",
    "no_such_directory",
    "offered_command",
    "price_text",
    "read_evaluations",
    "require_currency",
    "require_currency_with_price",
    "split_model_argument",
]
