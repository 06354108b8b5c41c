"""The address under which lm-evaluation-harness's users know our adapter; it lives in `harness`."""

from gpt25.evaluation.harness.lm_eval_adapter import lm_eval_model

__all__ = ["lm_eval_model"]
