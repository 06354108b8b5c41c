"""Values as inert HTML: what the report's pages are made of, and how objects show themselves in a notebook."""

from gpt25.markup.html_text import text
from gpt25.markup.notebook_table import notebook_table

__all__ = ["notebook_table", "text"]
