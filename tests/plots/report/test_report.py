"""The report: one inert file that says what a run came to, whatever state the run is in."""

import dataclasses
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from gpt25.errors import CorruptFileError, StorageError
from gpt25.plots import write_report
from gpt25.records import RunDirectory, Summary

if TYPE_CHECKING:
    from conftest import MakeRun

WITHOUT_END = {"meta", "link", "img", "br", "hr", "input"}


class Page(HTMLParser):
    """Reads a page as a browser would: its elements, its text, and whether every element is closed in order."""

    def __init__(self, path: Path) -> None:
        super().__init__(convert_charrefs=True)
        self.source = path.read_text(encoding="utf-8")
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(self.source)
        self.close()
        assert self.open == [], "an element was not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in WITHOUT_END and not (self.get_starttag_text() or "").endswith("/>"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not (self.get_starttag_text() or "").endswith("/>") or (self.open and self.open[-1] == tag):
            assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.elements)


def report(run: RunDirectory) -> Page:
    write_report(run, run.report_path)
    return Page(run.report_path)


def loss_graphs(page: Page) -> list[ElementTree.Element]:
    graphs = [ElementTree.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", page.source, re.DOTALL)]
    return [graph for graph in graphs if "nats per token" in (graph.get("aria-label") or "")]


def change(run: RunDirectory, **fields: object) -> None:
    summary = run.read_summary()
    assert summary is not None
    run.write_summary(dataclasses.replace(summary, **fields))  # type: ignore[arg-type]


def test_a_finished_run_says_its_result_in_words_and_figures(make_run: "MakeRun") -> None:
    page = report(make_run("first-steps"))
    for words in (
        "GPT-2 on Python's standard library · first-steps",
        "Predicts unseen text at 1.21 bits per byte, 23 % fewer than xz -9",
        "A GPT-2 of 11.7 million parameters, trained on 9.83 million tokens in 9 min 42 s.",
        "it needs 1.21 bits per byte; xz -9, the best of the compressors beside it, needs 1.58.",
        "Bits needed per byte of 1.20 MB of text that the model never saw.",
        "after 3.28 million tokens · update 200",
        "raise ValueError('read of closed file')",
        "peak_learning_rate = 0.0015",
        "after update 300, 600",
        "tokens/s",
        'gpt25 generate first-steps --prompt "def "',
        "2.13.0",
    ):
        assert words in page.text
    assert len(loss_graphs(page)) == 4  # against tokens and time, for wide and narrow windows
    assert page.count("svg") == 10  # and learning rate, gradient norm, speed
    table = re.findall(r"<th>([^<]+)</th><td class=number>([\d.]+)", page.source)
    assert table == [("this model", "1.210"), ("xz -9", "1.580"), ("bz2 -9", "1.660"), ("gzip -9", "1.930")]


def test_a_model_that_the_compressors_beat_says_so(make_run: "MakeRun") -> None:
    run = make_run(updates=20)
    change(run, bits_per_byte=1.9)
    page = report(run)
    assert "Predicts unseen text at 1.90 bits per byte" in page.text
    assert "fewer than" not in page.text
    assert "xz -9, the best of the compressors beside it, needs only 1.58." in page.text


def test_the_graphs_are_well_formed_and_say_their_values(make_run: "MakeRun") -> None:
    page = report(make_run())
    graphs = loss_graphs(page)
    assert len({graph.find("clipPath").get("id") for graph in graphs}) == 4  # type: ignore[union-attr]
    for graph in graphs:
        assert "Validation loss from" in (graph.get("aria-label") or "")
        titles = [title.text or "" for title in graph.iter("title")]
        assert sum(title.startswith("validation loss") for title in titles) == 12
        assert sum(title.startswith("training loss") for title in titles) > 50
        width, height = (float(side) for side in (graph.get("viewBox") or "").split()[2:])
        for circle in graph.iter("circle"):
            assert 0 < float(circle.get("cx", -1)) < width
            assert 0 <= float(circle.get("cy", -1)) < height
    assert "starts at 7.17, above the frame" in page.text


def test_nothing_in_the_page_is_fetched_or_run(make_run: "MakeRun") -> None:
    page = report(make_run())
    assert {"script", "link", "img", "iframe", "object", "embed", "base"}.isdisjoint(tag for tag, _ in page.elements)
    attributes = {name for _, attributes in page.elements for name in attributes}
    assert {"src", "href", "onclick", "onload"}.isdisjoint(attributes)
    assert not re.search(r"https?://|@import|url\((?!#)", page.source)
    policies = [attributes["content"] for tag, attributes in page.elements if "http-equiv" in attributes]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"]
    assert "prefers-color-scheme: dark" in page.source
    assert 'content="width=device-width, initial-scale=1"' in page.source


def test_words_from_files_are_inert_wherever_they_stand(make_run: "MakeRun") -> None:
    attack = "</pre></title></style><script>alert(1)</script><img src=x onerror=alert(1)>\"'&"
    run = make_run('x"><script>alert(1)<', updates=20)
    elements = {tag for tag, _ in report(run).elements}
    change(run, title=attack, compressors={attack: 2.0}, next_commands=[attack])
    run.append_sample({"update": 20, "tokens": 3, "prompt": attack, "text": attack})
    run.recipe_path.write_text(f"title = '''{attack[:-3]}'''\n# {attack}\n")
    run.environment_path.write_text('{"<script>": ["</table><script>", {"<b>": "<script>"}]}')
    page = report(run)
    assert {tag for tag, _ in page.elements} == elements
    assert page.text.count(attack) >= 5
    assert "alert(1)" in page.text


def test_the_machine_s_versions_and_what_it_was_before_are_folded_away(make_run: "MakeRun") -> None:
    run = make_run(updates=20)
    before = {"cores": 8, "requirements": {"torch": "2.11"}, "checkout": {"commit": "aaaa", "is_clean": True}}
    now = {
        "cores": 8,
        "requirements": {"torch": "2.13", "numpy": "2.4"},
        "checkout": {"commit": "bbbb", "is_clean": False},
    }
    run.environment_path.write_text(json.dumps({**now, "earlier": [before]}))
    page = report(run)
    assert "Versions of 2 packages" in page.text
    assert "What differed before, 1 of 1" in page.text
    assert "commit bbbb, not clean" in page.text
    assert "commit aaaa, clean" in page.text
    assert page.text.count("cores") == 1


def test_the_machine_is_told_in_units_and_words(make_run: "MakeRun") -> None:
    run = make_run(updates=20)
    run.environment_path.write_text(json.dumps({"memory_bytes": 25_276_059_648, "gpus": [], "cores": 1_024}))
    source = report(run).source
    for name, value in {"memory": "25.3 GB", "gpus": "none", "cores": "1,024"}.items():
        assert f"<th>{name}</th><td>{value}</td>" in source


def test_signs_that_turn_or_break_the_text_are_replaced(make_run: "MakeRun") -> None:
    run = make_run(updates=20)
    run.append_sample({"update": 20, "prompt": "a\x00\x1b[31m", "text": "b\u202ec\u2066d\r\n\te\ud800 漢字 🦜"})
    page = report(run)
    assert "a��[31mb�c�d\n\te� 漢字 🦜" in page.text


def test_a_very_long_sample_is_cut_and_says_so(make_run: "MakeRun") -> None:
    run = make_run(updates=20)
    run.append_sample({"update": 20, "prompt": "", "text": "x" * 100_000})
    page = report(run)
    assert "… 96,000 more characters in samples.jsonl" in page.text
    assert len(page.source) < 120_000


def test_of_many_samples_some_are_shown_and_the_others_folded_away(make_run: "MakeRun") -> None:
    run = make_run(updates=20)
    for update in range(20, 41):
        run.append_sample({"update": update, "prompt": "", "text": f"text number {update}"})
    page = report(run)
    shown, folded = page.text.split("18 more in between")
    assert "text number 40" in shown
    assert "text number 39" in folded
    assert all(page.text.count(f"text number {update}") == 1 for update in range(20, 41))


def test_a_run_that_has_not_begun_has_a_report(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "new")
    run.path.mkdir()
    page = report(run)
    for words in ("Not trained yet", "A GPT-2 before its first measured update.", "No loss has been measured yet."):
        assert words in page.text
    assert page.count("svg") == 0
    assert "bits per byte" not in page.text
    assert "none yet" in page.text


def test_an_unfinished_run_without_validation_has_a_report(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "young")
    run.path.mkdir()
    run.recipe_path.write_text('title = "A young run"\n')
    run.append_metrics({"update": 1, "tokens": 4096, "training_loss": 10.83, "elapsed_seconds": 1.2})
    page = report(run)
    for words in (
        "A young run · young",
        "Still in training",
        "A GPT-2 after 1 update on 4,096 tokens in 1.2 s. Its training loss stands at 10.830 nats per token.",
    ):
        assert words in page.text
    assert "validation" not in page.text
    assert page.count("svg") == 4


def test_a_finished_run_without_bits_per_byte_says_its_loss(make_run: "MakeRun") -> None:
    run = make_run(updates=20)
    change(run, bits_per_byte=None)
    page = report(run)
    assert "Trained to a validation loss of 2.470" in page.text
    assert "On text that it never saw its loss is 2.470 nats per token." in page.text
    assert "Predicting is compressing" not in page.text
    run.write_summary(Summary("Bare", finished=True))
    assert "Trained" in report(run).text


def test_losses_that_are_no_numbers_are_told(make_run: "MakeRun") -> None:
    run = make_run(updates=60)
    for update in (61, 62):
        run.append_metrics({"update": update, "tokens": update * 16_384, "training_loss": float("inf")})
        sentence = ["at one update, marked ×.", "at 2 updates, marked ×."][update - 61]
        assert f"The training loss was not a finite number {sentence}" in report(run).text


def test_damaged_files_and_bad_places_are_errors_in_words(make_run: "MakeRun", tmp_path: Path) -> None:
    run = make_run(updates=5)
    with pytest.raises(StorageError, match=r"cannot write .*absent/report\.html"):
        write_report(run, tmp_path / "absent" / "report.html")
    run.summary_path.write_text("{")
    with pytest.raises(CorruptFileError, match=r"summary\.json is not JSON"):
        write_report(run, tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()


def test_a_loss_lost_after_the_last_finite_one_is_marked_inside_the_frame(make_run: "MakeRun") -> None:
    run = make_run(updates=60)
    run.append_metrics({"update": 90, "tokens": 90 * 16_384, "training_loss": float("nan"), "elapsed_seconds": 90})
    page = report(run)
    graphs = loss_graphs(page)
    for graph in graphs:
        (mark,) = [text for text in graph.iter("text") if text.get("class") == "alarm"]
        assert float(mark.get("x", 1e9)) < float(graph.get("width", 0))


def test_a_report_of_a_long_run_stays_small(make_run: "MakeRun") -> None:
    run = make_run(updates=5_000, interval=2)  # 2,500 validations
    page = report(run)
    assert len(page.source) < 400_000
    losses = [row["validation_loss"] for row in run.metrics() if "validation_loss" in row]
    for graph in loss_graphs(page):
        assert 60 <= sum(1 for _ in graph.iter("circle")) <= 240
        titles = [title.text or "" for title in graph.iter("title")]
        assert any(title.startswith(f"validation loss {min(losses):.3f}") for title in titles)  # it keeps its dot


@pytest.mark.parametrize(("average", "kept"), [(2.4, "the average is"), (2.6, "the last weights are")])
def test_a_report_names_the_last_and_the_averaged_weights(make_run: "MakeRun", average: float, kept: str) -> None:
    run = make_run("run", updates=20, interval=10)
    assert "Averaged" not in report(run).text
    *_, last = run.metrics()
    run.truncate_after(19)
    both = {"validation_loss_of_last_weights": 2.5, "validation_loss_of_average": average}
    run.append_metrics({**last, "validation_loss": min(2.5, average), **both})
    assert (
        f"Averaged over its last updates, its weights validate at {average:.4f}, the last ones at 2.5000: {kept} what "
        "it ends with."
    ) in report(run).text
