"""Pictures of what came out of a run: the loss graph and the report. Never torch; matplotlib only while drawing."""

from gpt25.plots.curves import HorizontalAxis
from gpt25.plots.losses import draw_losses
from gpt25.plots.report import write_report

__all__ = ["HorizontalAxis", "draw_losses", "write_report"]
