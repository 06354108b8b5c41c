"""What a run directory holds: its files' names, metrics, samples, summary, and which checkpoints are complete."""

from gpt25.records.both_weights import losses_of_both_weights
from gpt25.records.checkpoint_record import STATE_NAME, CheckpointRecord
from gpt25.records.model_word import split_model_word
from gpt25.records.run_directory import RunDirectory
from gpt25.records.summary import Summary

__all__ = ["STATE_NAME", "CheckpointRecord", "RunDirectory", "Summary", "losses_of_both_weights", "split_model_word"]
