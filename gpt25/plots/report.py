"""The report of a run: one HTML file that holds everything it shows and runs nothing."""

from pathlib import Path

from gpt25.plots import report_sections as sections
from gpt25.plots.report_style import REPORT_STYLE
from gpt25.plots.run_facts import gather, headline
from gpt25.records import RunDirectory
from gpt25.storage import write_text

# Nothing may be fetched and no script may run, even if a sample of the model's found a way to ask for it.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def write_report(run: RunDirectory, output: str | Path) -> None:
    """Write the report of a run, finished or not, into one self-contained HTML file, atomically.

    Raises CorruptFileError or StorageError where one of the run's files cannot be read or `output` not be written.
    """
    facts = gather(run)
    title = sections.text(f"{facts.summary.title}: {headline(facts)}")
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f"<title>{title}</title>",
        f"<style>{REPORT_STYLE}</style></head><body><main>",
        sections.opening(facts),
        sections.losses(facts),
        sections.compression(facts),
        sections.samples(facts),
        sections.next_commands(facts),
        sections.details(facts),
        "</main></body></html>",
    ]
    write_text(output, "\n".join(part for part in parts if part) + "\n")
