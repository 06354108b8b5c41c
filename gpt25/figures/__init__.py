"""Pictures of models and runs for notebooks: every function returns a matplotlib figure, or draws on given axes.

    from gpt25 import figures
    figures.positions(model, columns=(150, 200, 250))
    figures.attention(model, "Hello, I'm a language model,", layer=4, head=11)
    figures.losses("runs/mine")

A model is a GPTModel, or a MODEL word: a size name, a Hub id, a model directory or a run, as on the command line. The
commands of `gpt25 plot` draw with the same functions. pyplot plays no part, so nothing has to be closed.
"""

from gpt25.figures.attention import attention
from gpt25.figures.circuits.ablation import ablation
from gpt25.figures.circuits.attribution import attribution
from gpt25.figures.circuits.head_scores import head_scores
from gpt25.figures.circuits.neurons import neurons
from gpt25.figures.circuits.over_checkpoints import over_checkpoints
from gpt25.figures.circuits.patching import patching
from gpt25.figures.circuits.residual import residual
from gpt25.figures.differences import differences
from gpt25.figures.losses import losses
from gpt25.figures.positions import position_image, positions
from gpt25.figures.predictions import predictions
from gpt25.figures.report import Report, report

__all__ = [
    "Report",
    "ablation",
    "attention",
    "attribution",
    "differences",
    "head_scores",
    "losses",
    "neurons",
    "over_checkpoints",
    "patching",
    "position_image",
    "positions",
    "predictions",
    "report",
    "residual",
]
