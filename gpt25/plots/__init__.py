"""Pictures of a run and of what is inside a model, and the report. Never torch; matplotlib only while drawing."""

from typing import TYPE_CHECKING

from gpt25.lazy_face import lazy_face

if TYPE_CHECKING:
    from gpt25.plots.circuits.checkpoint_lines import CheckpointLines, checkpoint_lines_figure, draw_checkpoint_lines
    from gpt25.plots.circuits.heat_map import HeatMap, HeatMaps
    from gpt25.plots.circuits.heat_maps import draw_heat_maps, heat_maps_figure
    from gpt25.plots.circuits.inside_page import InsideOfText, Operation, PartsOfLogit, draw_inside, most_tokens_inside
    from gpt25.plots.curves import HorizontalAxis, names_of
    from gpt25.plots.formatting import two_digits
    from gpt25.plots.measures.data_set import common_data_set, lines_beside, loss_reference_lines
    from gpt25.plots.measures.loss_measure import LossMeasure, loss_measure
    from gpt25.plots.measures.published_lines import HELLASWAG, DataSetName, PublishedLine
    from gpt25.plots.pictures.attention import AttentionOfText, attention_figure, draw_attention
    from gpt25.plots.pictures.differences import differences_figure, draw_differences
    from gpt25.plots.pictures.losses import draw_losses, losses_figure
    from gpt25.plots.pictures.picture_format import PictureFormat, picture_format, require_picture_file
    from gpt25.plots.pictures.positions import PositionsOfModel, draw_positions, position_image_figure, positions_figure
    from gpt25.plots.pictures.predictions import (
        PredictionsOfText,
        draw_predictions,
        positions_that_fit,
        predictions_figure,
    )
    from gpt25.plots.pictures.tensor_pair import TensorPair
    from gpt25.plots.report.compared_run import ComparedRun
    from gpt25.plots.report.comparison_picture import draw_comparison
    from gpt25.plots.report.report import report_page, write_report
    from gpt25.plots.report.score_comparison import ScoreComparison
    from gpt25.plots.report.settings import ReportSettings
    from gpt25.plots.report.verdict import VerdictRow, VerdictSection
    from gpt25.plots.terminal.comparison_text import ComparisonText, comparison_text

__all__ = [
    "HELLASWAG",
    "AttentionOfText",
    "CheckpointLines",
    "ComparedRun",
    "ComparisonText",
    "DataSetName",
    "HeatMap",
    "HeatMaps",
    "HorizontalAxis",
    "InsideOfText",
    "LossMeasure",
    "Operation",
    "PartsOfLogit",
    "PictureFormat",
    "PositionsOfModel",
    "PredictionsOfText",
    "PublishedLine",
    "ReportSettings",
    "ScoreComparison",
    "TensorPair",
    "VerdictRow",
    "VerdictSection",
    "attention_figure",
    "checkpoint_lines_figure",
    "common_data_set",
    "comparison_text",
    "differences_figure",
    "draw_attention",
    "draw_checkpoint_lines",
    "draw_comparison",
    "draw_differences",
    "draw_heat_maps",
    "draw_inside",
    "draw_losses",
    "draw_positions",
    "draw_predictions",
    "heat_maps_figure",
    "lines_beside",
    "loss_measure",
    "loss_reference_lines",
    "losses_figure",
    "most_tokens_inside",
    "names_of",
    "picture_format",
    "position_image_figure",
    "positions_figure",
    "positions_that_fit",
    "predictions_figure",
    "report_page",
    "require_picture_file",
    "two_digits",
    "write_report",
]

lazy_face(
    __name__,
    {
        "HELLASWAG": "measures.published_lines",
        "AttentionOfText": "pictures.attention",
        "CheckpointLines": "circuits.checkpoint_lines",
        "ComparedRun": "report.compared_run",
        "DataSetName": "measures.published_lines",
        "HeatMap": "circuits.heat_map",
        "HeatMaps": "circuits.heat_map",
        "HorizontalAxis": "curves",
        "InsideOfText": "circuits.inside_page",
        "Operation": "circuits.inside_page",
        "PartsOfLogit": "circuits.inside_page",
        "PictureFormat": "pictures.picture_format",
        "PositionsOfModel": "pictures.positions",
        "PredictionsOfText": "pictures.predictions",
        "PublishedLine": "measures.published_lines",
        "ReportSettings": "report.settings",
        "ScoreComparison": "report.score_comparison",
        "TensorPair": "pictures.tensor_pair",
        "VerdictRow": "report.verdict",
        "VerdictSection": "report.verdict",
        "attention_figure": "pictures.attention",
        "ComparisonText": "terminal.comparison_text",
        "LossMeasure": "measures.loss_measure",
        "comparison_text": "terminal.comparison_text",
        "loss_measure": "measures.loss_measure",
        "common_data_set": "measures.data_set",
        "checkpoint_lines_figure": "circuits.checkpoint_lines",
        "differences_figure": "pictures.differences",
        "draw_attention": "pictures.attention",
        "draw_checkpoint_lines": "circuits.checkpoint_lines",
        "draw_comparison": "report.comparison_picture",
        "draw_differences": "pictures.differences",
        "draw_heat_maps": "circuits.heat_maps",
        "draw_inside": "circuits.inside_page",
        "draw_losses": "pictures.losses",
        "draw_positions": "pictures.positions",
        "draw_predictions": "pictures.predictions",
        "lines_beside": "measures.data_set",
        "loss_reference_lines": "measures.data_set",
        "heat_maps_figure": "circuits.heat_maps",
        "losses_figure": "pictures.losses",
        "most_tokens_inside": "circuits.inside_page",
        "names_of": "curves",
        "picture_format": "pictures.picture_format",
        "position_image_figure": "pictures.positions",
        "positions_figure": "pictures.positions",
        "positions_that_fit": "pictures.predictions",
        "predictions_figure": "pictures.predictions",
        "report_page": "report.report",
        "require_picture_file": "pictures.picture_format",
        "two_digits": "formatting",
        "write_report": "report.report",
    },
)
