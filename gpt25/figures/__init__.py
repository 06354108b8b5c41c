"""Pictures of models and runs for notebooks: every function returns a matplotlib figure, or draws on given axes.

    from gpt25 import figures
    figures.positions(model, columns=(150, 200, 250))
    figures.attention(model, "Hello, I'm a language model,", layer=4, head=11)
    figures.losses("runs/mine")

A model is a GPTModel, or a MODEL word: a size name, a Hub id, a model directory or a run, as on the command line. The
commands of `gpt25 plot` draw with the same functions. pyplot plays no part, so nothing has to be closed.
"""

from gpt25.figures.attention import attention
from gpt25.figures.differences import differences
from gpt25.figures.losses import losses
from gpt25.figures.positions import position_image, positions
from gpt25.figures.predictions import predictions
from gpt25.figures.report import Report, report

__all__ = ["Report", "attention", "differences", "losses", "position_image", "positions", "predictions", "report"]
