"""Of a page the visible text is read."""

import sys
import time
from pathlib import Path

import pytest

from gpt25.data import read_documents
from gpt25.data.formats.page_text import page_text
from gpt25.errors import MissingExtraError

PAGE = """<!doctype html><html><head><title>Not seen</title><style>p { x: y }</style></head>
<body class="a"><!-- nor this --><h1>One &amp; two</h1>
<p>A  paragraph
with <b>bold</b> and <a href="u">a link</a>,<br>and a line.<p>Another&nbsp;one.
<ul><li>first<li>second</ul>
<pre>
  kept   as
     it is</pre>
<script>alert("no")</script>
<table><tr><th>a<th>b<tr><td>1<td>2</table>
<div>x<div>y</div></div>
</body></html>"""

TEXT = """One & two

A paragraph with bold and a link,
and a line.

Another\xa0one.

first
second

  kept   as
     it is

a\tb
1\t2

x
y
"""


def read(path: Path, **words: str) -> list[str]:
    return [document.content.decode() for document in read_documents([path], **words)]


def test_a_page_gives_its_visible_text(tmp_path: Path) -> None:
    for name in ("a.html", "b.HTM", "c.xhtml"):
        (tmp_path / name).write_text(PAGE)
    assert read(tmp_path) == [TEXT] * 3


def test_a_page_without_text_is_an_empty_document(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("<html><body><img src='x'><script>1</script>")
    reader = read_documents([tmp_path])
    assert list(reader) == []
    assert reader.counts.empty == 1


def test_a_page_says_what_it_is_encoded_in(tmp_path: Path) -> None:
    for head in ('<meta charset="windows-1251">', "<META http-equiv=x content='text/html; charset=windows-1251'>"):
        (tmp_path / "a.html").write_bytes(f"{head}<p>Привет".encode("cp1251"))
        assert read(tmp_path) == ["Привет\n"]
    (tmp_path / "a.html").write_bytes("<meta charset=iso-8859-1><p>„so“ – 5 €".encode("cp1252"))  # as browsers do
    assert read(tmp_path) == ["„so“ – 5 €\n"]
    (tmp_path / "a.html").write_bytes('<meta charset="utf-16"><p>Zoë'.encode())
    assert read(tmp_path) == ["Zoë\n"]
    (tmp_path / "a.html").write_bytes("<p>Zoë".encode("utf-16"))
    assert read(tmp_path) == ["Zoë\n"]


def test_deep_and_broken_pages_are_read() -> None:
    assert page_text("<i>" * 50_000 + "deep", name="a") == "deep\n"
    begun = time.process_time()
    for unit in ("<a b='", "<!--", "<![", "&", "</", "<p><b>"):
        page_text(unit * 20_000, name="a")
    assert time.process_time() - begun < 10


def test_its_package_is_named_where_it_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.html").write_text("<p>x")
    monkeypatch.setitem(sys.modules, "selectolax.lexbor", None)
    with pytest.raises(MissingExtraError, match=r"a\.html needs the package selectolax; .*\[data\]"):
        read(tmp_path)
