"""The figures of runs: losses by their names, and the report as a page in a notebook."""

import html
from pathlib import Path
from xml.etree import ElementTree

import pytest
from matplotlib.figure import Figure

from gpt25 import figures
from gpt25.cli.main import main
from gpt25.errors import PlotError
from gpt25.plots.pictures.figure_bytes import figure_bytes
from gpt25.records import RunDirectory, Summary


def make_run(path: Path, *, updates: int = 60) -> RunDirectory:
    run = RunDirectory(path)
    path.mkdir(parents=True)
    for update in range(1, updates + 1):
        row = {"update": update, "tokens": 100 * update, "training_loss": 4 - update / updates, "learning_rate": 0.1}
        if update % 3 == 0:
            row |= {"validation_loss": 4.25 - update / updates, "validation_tokens": 16_384}
        run.append_metrics(row | {"elapsed_seconds": float(update)})
    run.write_summary(
        Summary("A run", finished=True, validation_loss=3.25, held_out_loss=3.125, held_out_tokens=351_010)
    )
    return run


def labels(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.get_axes()[0].get_legend().get_texts()]


def test_losses_have_their_names(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    figure = figures.losses(run)
    assert labels(figure) == [
        "training, smoothed",
        "validation, 16,384 tokens, last 3.250",
        "all held-out text, 3.125",
    ]
    losses, rate = figure.get_axes()
    (diamond,) = [line for line in losses.get_lines() if line.get_marker() == "D"]
    assert (list(diamond.get_xdata()), list(diamond.get_ydata())) == ([6000.0], [3.125])
    assert losses.get_title(loc="left") == "run"
    assert losses.texts[0].get_text().replace("\n", " ") == (
        "Lower is better. Blue is the text that the model learns from, orange text that it never saw."
    )
    assert rate.get_xlabel() == "training tokens"
    assert figures.losses(str(run.path), x="seconds").get_axes()[1].get_xlabel() == "seconds of training"


def test_few_updates_are_marks_and_no_zigzag(tmp_path: Path) -> None:
    few = figures.losses(make_run(tmp_path / "few", updates=6)).get_axes()[0]
    many = figures.losses(make_run(tmp_path / "many", updates=200)).get_axes()[0]
    raw, smoothed, *_ = few.get_lines()
    assert (smoothed.get_marker(), smoothed.get_linewidth()) == ("o", 0.0)
    assert len(smoothed.get_xdata()) == 6
    assert raw.get_alpha() < 0.3, "the line between the marks is as strong as they are"
    assert (many.get_lines()[1].get_marker(), many.get_lines()[1].get_linewidth()) == ("None", 1.8)


def test_several_runs_are_drawn_on_given_axes(tmp_path: Path) -> None:
    runs = [make_run(tmp_path / name) for name in ("one", "two")]
    panel, rate = Figure().subplots(2, 1)
    assert figures.losses(*runs, axes=[panel, rate]) is panel.figure
    assert panel.get_title(loc="left") == "2 runs"
    assert "The lowest last validation loss is that of one." in panel.texts[0].get_text().replace("\n", " ")
    assert len(rate.get_lines()) == 2
    with pytest.raises(PlotError, match="3 axes were given; this picture is drawn on 1 or 2"):
        figures.losses(runs[0], axes=list(Figure().subplots(3, 1)))
    with pytest.raises(PlotError, match="there is no run to draw"):
        figures.losses()


def test_the_command_draws_the_same_figure(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    assert main(["plot", "loss", str(run.path), "--x", "updates", "--output", str(tmp_path / "a.svg")]) == 0
    assert (tmp_path / "a.svg").read_bytes() == figure_bytes(figures.losses(run, x="updates"), "svg")


def test_a_report_is_a_page_in_a_frame(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    report = figures.report(run)
    frame = ElementTree.fromstring(report._repr_html_())
    assert frame.tag == "iframe"
    assert frame.attrib["srcdoc"].split() == report.page.split()
    assert "<h1>Trained to a validation loss of 3.250</h1>" in report.page
    assert main(["plot", "report", str(run.path), "--output", str(tmp_path / "a.html")]) == 0
    report.save(tmp_path / "b.html")
    assert (tmp_path / "a.html").read_text() == (tmp_path / "b.html").read_text() == report.page
    (compared,) = report.runs
    shown = html.unescape(compared._repr_html_())
    for figure in ("run", "6,000", "3.25", "3.125"):
        assert f">{figure}<" in shown
    assert len(figures.report(run, make_run(tmp_path / "other")).runs) == 2
