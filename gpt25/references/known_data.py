"""What is published of the texts that models here are trained on: their licence and language."""

from dataclasses import dataclass


@dataclass(frozen=True)
class KnownData:
    """One set of texts. Its licence is its publishers' word on the collection; the texts have owners of their own."""

    title: str
    licence: str
    """In words."""
    source: str
    """Where the licence is written."""
    repository: str | None = None
    """Its name on the Hugging Face Hub."""
    language: str | None = None
    """ISO 639-1, of prose."""


_ODC_BY = "Open Data Commons Attribution License (ODC-By) 1.0, and Common Crawl's terms of use"
STANDARD_LIBRARY = KnownData(
    title="Python's standard library",
    licence="Python Software Foundation License Version 2",
    source="https://docs.python.org/3/license.html",
)
KNOWN_DATA = {
    "fineweb": KnownData(
        title="FineWeb",
        licence=_ODC_BY,
        source="https://huggingface.co/datasets/HuggingFaceFW/fineweb",
        repository="HuggingFaceFW/fineweb",
        language="en",
    ),
    "fineweb-edu": KnownData(
        title="FineWeb-Edu",
        licence=_ODC_BY,
        source="https://huggingface.co/datasets/HuggingFaceFW/fineweb-edu",
        repository="HuggingFaceFW/fineweb-edu",
        language="en",
    ),
    "climbmix": KnownData(
        title="ClimbMix",
        licence="Creative Commons Attribution-NonCommercial 4.0 (CC BY-NC 4.0): not for commercial use",
        source="https://huggingface.co/datasets/nvidia/Nemotron-ClimbMix",
        repository="nvidia/Nemotron-ClimbMix",
        language="en",
    ),
    "openwebtext": KnownData(
        title="OpenWebText",
        licence="CC0 for the collection (its makers own none of the texts)",
        source="https://huggingface.co/datasets/Skylion007/openwebtext",
        repository="Skylion007/openwebtext",
        language="en",
    ),
}
"""By the name that the recipe's track.data_set, or `gpt25 data fetch`, has for it."""
