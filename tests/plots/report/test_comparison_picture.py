"""The picture of a comparison, and the course of training beside the GPUs' peak."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from gpt25.errors import PlotError
from gpt25.plots import draw_comparison, lines_beside, write_report
from gpt25.plots.report.compared_run import ComparedRun, compared_runs
from gpt25.records import RunDirectory
from gpt25.storage import write_json
from gpt25.storage.json_lines import write_json_lines

if TYPE_CHECKING:
    from conftest import MakeRun

COST = {"training_operations_per_token": 797_815_296}
SHAPE = "[model]\nvocabulary_size = 50257\nnumber_of_layers = 12\nnumber_of_embedding_dimensions = 768\n"
SHAPE += "block_size = 1024\n[track]\ndata_set = 'fineweb'\n"


def made(
    make_run: "MakeRun", name: str, price: float | None = None, items: int | None = 10_042, currency: str | None = None
) -> RunDirectory:
    """A run of the 124M on eight H100, with HellaSwag on the way where it has items."""
    run = make_run(name, updates=200, final_loss=3.1, interval=20)
    priced = "" if price is None else f"price_per_hour = {price}\n"
    run.recipe_path.write_text(SHAPE + priced + ("" if currency is None else f'currency = "{currency}"\n'))
    write_json(run.environment_path, {"gpus": ["NVIDIA H100 80GB HBM3"] * 8, "number_of_ranks": 8})
    write_json(run.summary_path, {"title": name, "finished": True, "model_parameters": 124_439_808, **COST})
    rows = run.metrics()
    for row in rows:
        row["tokens"], row["tokens_per_second"] = row["update"] * 524_288, 3.74e6
        if items and row["update"] % 50 == 0:
            row |= {"hellaswag_accuracy_norm": 0.25 + row["update"] / 2000, "hellaswag_items": items}
            row["hellaswag_standard_error"] = 0.0046
    write_json_lines(run.metrics_path, rows)
    return run


def drawn(runs: list[RunDirectory], output: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[list[ComparedRun], Any]:
    """What was compared, and matplotlib's figure of it."""
    figures: list[Figure] = []
    monkeypatch.setattr(
        "gpt25.plots.report.comparison_picture.figure_bytes", lambda figure, kind: figures.append(figure) or b"picture"
    )
    lines = lines_beside(runs)
    compared = compared_runs(runs, lines, price_per_hour=None)
    draw_comparison(compared, lines, output)
    assert output.read_bytes() == b"picture"
    return compared, figures[0]


def panels(figure: Figure) -> dict[str, Any]:
    return {panel.get_title(loc="left"): panel for panel in figure.axes if panel.axison}


def test_losses_by_tokens_time_and_money_and_hellaswag(
    make_run: "MakeRun", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [made(make_run, "one", 24.0), made(make_run, "two", 8.0, items=1000)]
    compared, figure = drawn(runs, tmp_path / "both.png", monkeypatch)
    shown = panels(figure)
    names = ["Validation loss against tokens", "Validation loss against time", "Validation loss against money"]
    assert list(shown) == [*names, "HellaSwag, acc_norm"]
    for name in names:
        assert [text.get_text() for text in shown[name].texts] == ["GPT-2 124M 3.42496"]
    assert [text.get_text() for text in shown["HellaSwag, acc_norm"].texts] == [
        "GPT-2 124M 0.294463",
        "GPT-3 125M 0.337",
    ]
    assert figure.subfigs[0].get_suptitle().startswith("The same losses by what they cost: the run whose line is lower")
    assert shown["HellaSwag, acc_norm"].get_title(loc="right") == "two, first 1,000 items"
    ends = [line.get_xdata()[-1] for line in shown[names[2]].lines[:2]]
    assert ends == pytest.approx([194 / 3600 * 24, 194 / 3600 * 8])  # the last row stands at 200 x 0.97 s
    assert len(shown[names[0]].lines) == 2 + 2 + 1  # training behind, validation, OpenAI's level
    money, other = compared[0].crossings[0].money, compared[1].crossings[0].money
    assert money is not None
    assert other is not None
    assert money == pytest.approx(3 * other)


def test_what_is_not_known_has_no_panel(make_run: "MakeRun", tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, figure = drawn([made(make_run, "one", items=None)], tmp_path / "one.png", monkeypatch)
    assert list(panels(figure)) == ["Validation loss against tokens", "Validation loss against time"]


def test_a_picture_of_dots_or_lines(make_run: "MakeRun", tmp_path: Path) -> None:
    runs = [made(make_run, "one $x$ 🦜"), make_run("two")]
    compared = compared_runs(runs, [], price_per_hour=3.0)
    draw_comparison(compared, [], tmp_path / "both.png")
    pixels = np.round(imread(tmp_path / "both.png")[:, :, :3] * 255).astype(int)
    for colour in ((0x2F, 0x6B, 0xDE), (0xD9, 0x54, 0x1E)):
        assert (np.abs(pixels - np.array(colour)).max(axis=2) <= 2).sum() > 500
    draw_comparison(compared, [], tmp_path / "both.svg")
    assert b"<svg" in (tmp_path / "both.svg").read_bytes()
    with pytest.raises(PlotError, match=r"both\.html is a page; the picture of a comparison is a \.png or \.svg file"):
        draw_comparison(compared, [], tmp_path / "both.html")
    young = compared_runs([make_run("young", updates=20)], [], price_per_hour=None)
    with pytest.raises(PlotError, match="no run has a validation loss to draw yet"):
        draw_comparison(young, [], tmp_path / "young.png")


def test_utilisation_is_the_share_of_eight_peaks(make_run: "MakeRun") -> None:
    run = made(make_run, "one")
    (compared,) = compared_runs([run], [], price_per_hour=None)
    share = 3.74e6 * 797_815_296 / (8 * 989.4e12)  # 0.3770
    assert compared.utilisation_per_token is not None
    assert 3.74e6 * compared.utilisation_per_token == pytest.approx(share)
    write_report(run, run.report_path)
    page = run.report_path.read_text(encoding="utf-8")
    assert "Utilisation, % of the GPUs&#x27; peak in bfloat16" in page
    assert (
        "H100: 989 TFLOP/s (NVIDIA H100 GPU architecture paper, SXM5: 989.4 TFLOPS); 0.798 GFLOP a token: matrix"
        in page
    )
    assert 'aria-label="one: from 37.7 to 37.7."' in page
    assert "Million tokens per second" in page


@pytest.mark.parametrize(
    "environment", [{}, {"gpus": []}, {"gpus": ["Tesla T4"]}, {"gpus": ["NVIDIA H100 PCIe"], "number_of_ranks": 0}]
)
def test_no_utilisation_where_the_peak_is_not_known(make_run: "MakeRun", environment: dict[str, Any]) -> None:
    run = made(make_run, "one")
    write_json(run.environment_path, environment)
    write_report(run, run.report_path)
    assert "Utilisation" not in run.report_path.read_text(encoding="utf-8")


def test_one_axis_has_one_currency(make_run: "MakeRun", tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [made(make_run, "one", 24.0, currency="EUR"), made(make_run, "two", 8.0)]
    compared, figure = drawn(runs, tmp_path / "both.png", monkeypatch)
    money = panels(figure)["Validation loss against money"]
    assert money.get_xlabel() == "EUR"
    assert [len(line.get_xdata()) for line in money.lines[:2]] == [len(compared[0].points("validation_loss")), 0]
    assert compared[0].crossings[0].in_words.split(", ")[2].endswith(" EUR")
    assert compared[1].crossings[0].money is None
    page = write_report(runs, tmp_path / "both.html") and (tmp_path / "both.html").read_text(encoding="utf-8")
    assert "one: 24 EUR an hour for 8 GPUs; two: 8 USD an hour; only the time of training" in page
    given = compared_runs(runs, [], price_per_hour=2.0, currency="CHF")
    assert [(run.price_per_hour, run.currency) for run in given] == [(2.0, "CHF"), (2.0, "CHF")]


def test_every_section_with_a_picture_says_first_what_to_see(make_run: "MakeRun", tmp_path: Path) -> None:
    for runs in ([made(make_run, "alone", 24.0)], [made(make_run, name, 24.0) for name in ("one", "two")]):
        write_report(runs, tmp_path / "report.html")
        sections = re.findall(r"<section>(.*?)</section>", (tmp_path / "report.html").read_text(), flags=re.DOTALL)
        drawn = [section for section in sections if "<figure>" in section]
        assert len(drawn) >= 3
        for section in drawn:
            assert re.match(r"<h2>[^<]+</h2><p>[A-Z][^<]{40,}", section), section[:200]
