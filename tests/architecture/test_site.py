"""`make docs` builds a site without a warning, from nothing but what is installed; its pages fetch nothing."""

import re
from pathlib import Path


def test_every_page_is_there(site: Path, root: Path) -> None:
    pages = [page.relative_to(root) for page in (root / "docs").rglob("*.md")]
    assert [str(page) for page in pages if not (site / page.with_suffix(".html")).is_file()] == []
    assert 'url=docs/index.html"' in (site / "index.html").read_text(encoding="utf-8")


def test_pages_fetch_nothing_from_elsewhere(site: Path) -> None:
    fetching = re.compile(r'<(?:script|link|img|iframe|source)[^>]+(?:src|href)="(?:https?:)?//[^"]+"')
    found = {page.name: fetching.findall(page.read_text(encoding="utf-8")) for page in site.rglob("*.html")}
    assert len(found) > 30
    assert {name: tags for name, tags in found.items() if tags} == {}


def test_formulas_are_drawn_by_the_browser(site: Path) -> None:
    text = (site / "docs/why/muon.html").read_text(encoding="utf-8")
    assert text.count("<math") > 20
    assert "\\operatorname" not in text


def test_the_reference_has_everything(site: Path) -> None:
    python = (site / "build/reference/python.html").read_text(encoding="utf-8")
    configuration = (site / "build/reference/configuration.html").read_text(encoding="utf-8")
    commands = (site / "build/reference/help.html").read_text(encoding="utf-8")
    assert all(f"gpt25.{name}" in python for name in ("GPTModel", "Tokenizer", "TextGenerator", "load_pretrained"))
    assert "mean cross-entropy in nats" in python
    assert all(field in configuration for field in ("tokens_per_update", "muon_peak_learning_rate", "shards_per_group"))
    assert "Longest context in tokens" in configuration
    assert all(
        f"gpt25 {name}" in commands for name in ("data prepare", "tokenizer train", "reproduce", "plot attention")
    )
