"""The text of a page in HTML as a reader sees it: no tags, no scripts, its paragraphs set apart."""

import codecs
import re
from typing import Any

from gpt25.installation import missing_extra
from gpt25.storage.text_encoding import TextEncoding, named_encoding

_UNSEEN = {"head", "script", "style", "template", "noscript", "svg", "iframe", "object", "canvas", "-comment"}
_PARAGRAPHS = {
    *("address", "article", "aside", "blockquote", "body", "details", "dl", "fieldset", "figure", "footer", "form"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "main", "nav", "ol", "p", "pre", "section", "table", "ul"),
}
_LINES = {"br", "caption", "dd", "div", "dt", "figcaption", "legend", "li", "option", "summary", "tr"}
_CELLS = {"td", "th"}
_SPACES = re.compile(r"[ \t\r\n\f]+")
_DECLARED = re.compile(rb"""<meta\b[^>]{0,400}?charset\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE)
_WHERE_DECLARED_BYTES = 4096


def declared_encoding(content: bytes) -> TextEncoding | None:
    """The encoding that a page says that it is in: b'<meta charset="windows-1251">' -> cp1251."""
    found = _DECLARED.search(content[:_WHERE_DECLARED_BYTES])
    if found is None:
        return None
    name = found[1].decode("ascii")
    with_one_byte = named_encoding("cp1252" if name.lower() in ("iso-8859-1", "latin1", "us-ascii") else name)
    # A page whose declaration can be read as ASCII is not in one of these, whatever it says.
    if with_one_byte is None or codecs.lookup(with_one_byte.codec).name.startswith(("utf-16", "utf-32")):
        return None
    return with_one_byte


def page_text(source: str, *, name: str) -> str:
    r"""The visible text of a page, blank lines between paragraphs and a tab between cells; ends in a newline.

    page_text("<p>One <b>two</b></p><p>three") -> "One two\n\nthree\n". What stands in <pre> keeps its spaces. Raises
    MissingExtraError, beginning with what reading `name` needs.
    """
    try:
        from selectolax.lexbor import LexborHTMLParser
    except ImportError as problem:
        raise missing_extra(f"reading {name} needs the package selectolax", extra="data") from problem
    root = LexborHTMLParser(source).root
    text = _Text()
    node, in_pre = root, 0
    while node is not None:  # depth first without recursion: pages nest as deep as they like
        text.enter(node, in_pre=in_pre > 0)
        in_pre += node.tag == "pre"
        child = None if node.tag in _UNSEEN else node.child
        while child is None and node is not None:
            text.leave(node)
            in_pre -= node.tag == "pre"
            child = node.next
            if child is None:
                node = node.parent
        node = child
    return text.written()


class _Text:
    """Text as it grows: spaces are one, and the largest break that was asked for stands between two pieces."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._wanted = ""

    def enter(self, node: Any, *, in_pre: bool) -> None:
        """Take what stands at a node before what it holds."""
        if node.tag == "-text":
            self._write(node.text_content or "", in_pre=in_pre)
        else:
            self._want(_break_of(node.tag))

    def leave(self, node: Any) -> None:
        """Set what follows a node apart from it."""
        self._want(_break_of(node.tag))

    def written(self) -> str:
        """All of it, with one line end behind it; nothing of a page without text."""
        text = "".join(self._pieces).rstrip()
        return f"{text}\n" if text else ""

    def _want(self, what: str) -> None:
        if _RANK[what] > _RANK[self._wanted]:
            self._wanted = what

    def _write(self, text: str, *, in_pre: bool) -> None:
        if in_pre:
            self._put(text)
            return
        text = _SPACES.sub(" ", text)
        if text[:1] == " ":
            self._want(" ")
        if body := text.strip(" "):
            self._put(body)
            if text[-1] == " ":
                self._want(" ")

    def _put(self, text: str) -> None:
        if not text:
            return
        self._pieces += [self._wanted if self._pieces else "", text]
        self._wanted = ""


_RANK = {"": 0, " ": 1, "\t": 2, "\n": 3, "\n\n": 4}


def _break_of(tag: str | None) -> str:
    if tag in _PARAGRAPHS:
        return "\n\n"
    if tag in _LINES:
        return "\n"
    return "\t" if tag in _CELLS else ""
