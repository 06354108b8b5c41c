"""What a run directory holds: its files' names, metrics, samples, summary, and which checkpoints are complete."""

from gpt25.records.both_weights import losses_of_both_weights
from gpt25.records.checkpoint_record import STATE_NAME, CheckpointRecord
from gpt25.records.model_word import split_model_word
from gpt25.records.offered_command import offered_command
from gpt25.records.run_directory import RunDirectory
from gpt25.records.summary import Summary
from gpt25.records.this_shell import in_this_shell
from gpt25.records.trial import is_trial

__all__ = [
    "STATE_NAME",
    "CheckpointRecord",
    "RunDirectory",
    "Summary",
    "in_this_shell",
    "is_trial",
    "losses_of_both_weights",
    "offered_command",
    "split_model_word",
]
