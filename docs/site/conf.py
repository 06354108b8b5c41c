"""The site: Sphinx over the repository's Markdown, with a reference generated before every build.

`make docs` calls it; the source directory is the repository's root, so that links between docs/, notebooks/ and files
beside them are links of the site. Everything is local: no font, script or formula comes from elsewhere.
"""

import sys
from pathlib import Path

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx

SITE = Path(__file__).parent
ROOT = SITE.parents[1]
sys.path[:0] = [str(ROOT), str(SITE)]

from reference import write_reference  # noqa: E402 (it lies beside this file)

from gpt25 import __version__  # noqa: E402

project = "gpt25"
author = copyright = "the gpt25 authors"
version = release = __version__
extensions = ["myst_nb"]
root_doc = "docs/index"
include_patterns = ["docs/*.md", "docs/**/*.md", "build/reference/*.md", "notebooks/*.ipynb"]
include_patterns += ["CHANGELOG.md", "CONTRIBUTING.md"]
exclude_patterns = ["build/site", ".venv", "runs", "notebooks/runs"]

myst_enable_extensions = ["dollarmath", "html_image"]
myst_heading_anchors = 4
nb_execution_mode = "off"  # the notebooks are kept with their outputs; the tests run them
html_math_renderer = "mathml"

html_theme = "furo"
html_title = f"gpt25 {__version__}"
html_static_path = ["static"]
html_css_files = ["gpt25.css"]
html_copy_source = html_show_sphinx = False
pygments_style, pygments_dark_style = "friendly", "monokai"

REDIRECT = """<!doctype html><meta charset="utf-8"><title>gpt25</title>
<meta http-equiv="refresh" content="0; url=docs/index.html">
"""


def _math(display: str) -> object:
    """A visitor that writes a formula as MathML, which browsers draw by themselves."""

    def visit(translator: nodes.NodeVisitor, node: nodes.Element) -> None:
        formula = convert(node.astext(), display=display)
        translator.body.append(f'<div class="formula">{formula}</div>' if display == "block" else formula)
        raise nodes.SkipNode

    return visit


def _write_redirect(application: Sphinx, problem: Exception | None) -> None:
    """Lead from the folder of the site to its first page."""
    if problem is None and application.builder.format == "html":
        (Path(application.outdir) / "index.html").write_text(REDIRECT, encoding="utf-8")


def setup(application: Sphinx) -> None:
    """Write the reference, before pages are looked for, and teach Sphinx our formulas."""
    write_reference(ROOT / "build" / "reference")
    application.add_html_math_renderer("mathml", (_math("inline"), None), (_math("block"), None))
    application.connect("build-finished", _write_redirect)
