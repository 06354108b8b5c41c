"""The files about the package say what is so: the citation by its format's rules, the changes by the version."""

import re
import tomllib
from datetime import date
from pathlib import Path

import pytest
import yaml

from gpt25.version import __version__

# Citation File Format 1.2.0: the keys that a file may and must have, and those of people, entities and references.
REQUIRED = {"cff-version", "message", "title", "authors"}
ALLOWED = REQUIRED | {
    "abstract", "commit", "contact", "date-released", "doi", "identifiers", "keywords", "license", "license-url",
    "preferred-citation", "references", "repository", "repository-artifact", "repository-code", "type", "url",
    "version",
}  # fmt: skip
PERSON = {"affiliation", "alias", "email", "family-names", "given-names", "name-particle", "name-suffix", "orcid"}
ENTITY = {"alias", "date-end", "date-start", "email", "location", "name", "orcid", "url", "website"}
REFERENCE = {"authors", "institution", "publisher", "title", "type", "url", "year"}


@pytest.fixture(scope="module")
def citation(root: Path) -> dict:
    return yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def project(root: Path) -> dict:
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def is_author(author: dict) -> bool:
    """A person by one of the names at least, or an entity, which has a name."""
    return bool(author) and (author.keys() <= PERSON or ("name" in author and author.keys() <= ENTITY))


def test_the_citation_is_in_its_format(citation: dict) -> None:
    assert citation.keys() >= REQUIRED
    assert citation.keys() <= ALLOWED
    assert citation["cff-version"] == "1.2.0"
    assert citation["type"] == "software"
    assert all(isinstance(citation[key], str) and citation[key] for key in REQUIRED - {"authors"})
    assert citation["authors"]
    assert all(map(is_author, citation["authors"]))
    assert all(isinstance(word, str) for word in citation["keywords"])
    assert isinstance(citation.get("date-released", date.today()), date)
    for reference in citation["references"]:
        assert {"authors", "title", "type"} <= reference.keys() <= REFERENCE
        assert all(map(is_author, reference["authors"]))
        assert isinstance(reference["year"], int)


def test_the_citation_is_of_this_package(citation: dict, project: dict) -> None:
    assert citation["version"] == __version__
    assert citation["license"] == project["license"]
    assert citation["authors"] == project["authors"]
    assert citation["title"].startswith(f"{project['name']}: ")


def test_the_changes_begin_with_this_version(root: Path) -> None:
    changes = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## (\d+\.\d+\.\d+), (not released yet|\d{4}-\d{2}-\d{2})$", changes, flags=re.MULTILINE)
    assert len(versions) == len(re.findall(r"^## ", changes, flags=re.MULTILINE))
    assert versions[0][0] == __version__
    numbers = [tuple(map(int, version.split("."))) for version, _ in versions]
    assert numbers == sorted(numbers, reverse=True)
    assert all(when != "not released yet" for _, when in versions[1:])
