"""A manifest notices every kind of damage and never reaches outside its directory."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from gpt25.errors import CorruptFileError, StorageError
from gpt25.storage import MANIFEST_NAME, sha256_of_bytes, sha256_of_file, verify_manifest, write_manifest

EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    directory = tmp_path / "directory"
    (directory / "inner").mkdir(parents=True)
    (directory / "train-0").write_bytes(b"some bytes")
    (directory / "train-1").write_bytes(b"other bytes")
    (directory / "inner" / MANIFEST_NAME).write_bytes(b"not the manifest itself")
    write_manifest(directory)
    return directory


def change(directory: Path, **fields: Any) -> None:
    manifest = json.loads((directory / MANIFEST_NAME).read_text())
    (directory / MANIFEST_NAME).write_text(json.dumps({**manifest, **fields}))


def test_an_undamaged_directory_passes(directory: Path) -> None:
    verify_manifest(directory)
    manifest = json.loads((directory / MANIFEST_NAME).read_text())
    assert list(manifest["files"]) == [f"inner/{MANIFEST_NAME}", "train-0", "train-1"]
    assert manifest["files"]["train-0"] == {"bytes": 10, "sha256": sha256_of_bytes(b"some bytes")}


def test_hashes_are_sha_256(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert sha256_of_bytes(b"") == sha256_of_file(tmp_path / "empty") == EMPTY_SHA256
    with pytest.raises(StorageError, match=r"cannot read .*absent: No such file"):
        sha256_of_file(tmp_path / "absent")


def test_without_a_manifest_a_directory_was_never_completed(directory: Path) -> None:
    (directory / MANIFEST_NAME).unlink()
    with pytest.raises(CorruptFileError, match=r"directory has no MANIFEST\.json: it was never completed"):
        verify_manifest(directory)


def test_a_missing_file_is_named(directory: Path) -> None:
    (directory / "train-1").unlink()
    with pytest.raises(CorruptFileError, match=r"train-1 is missing, although MANIFEST\.json lists it"):
        verify_manifest(directory)


def test_a_truncated_file_is_named_with_both_sizes(directory: Path) -> None:
    (directory / "train-0").write_bytes(b"some byte")
    with pytest.raises(CorruptFileError, match=r"train-0 has 9 bytes, MANIFEST\.json says 10"):
        verify_manifest(directory)


def test_one_flipped_bit_is_named_with_both_hashes(directory: Path) -> None:
    (directory / "train-0").write_bytes(b"some bytds")
    found, expected = sha256_of_bytes(b"some bytds"), sha256_of_bytes(b"some bytes")
    with pytest.raises(CorruptFileError, match=rf"train-0 has SHA-256 {found}, MANIFEST\.json says {expected}"):
        verify_manifest(directory)


def test_damage_to_any_byte_of_the_manifest_itself_is_noticed(directory: Path) -> None:
    path = directory / MANIFEST_NAME
    original = path.read_bytes()
    for position in range(len(original)):
        damaged = bytearray(original)
        damaged[position] ^= 1 << position % 8
        path.write_bytes(damaged)
        if damaged.split() == original.split():
            continue  # one kind of white space became another
        with pytest.raises(CorruptFileError):
            verify_manifest(directory)


def test_a_bit_that_makes_two_names_equal_hides_no_file(directory: Path) -> None:
    path = directory / MANIFEST_NAME
    path.write_bytes(path.read_bytes().replace(b"train-0", b"train-1"))
    with pytest.raises(CorruptFileError, match="lists 2 files and says there are 3"):
        verify_manifest(directory)


def test_a_truncated_manifest_is_corrupt_at_any_length(directory: Path) -> None:
    path = directory / MANIFEST_NAME
    original = path.read_bytes()
    for length in range(len(original) - 1):  # without its final newline it is still whole
        path.write_bytes(original[:length])
        with pytest.raises(CorruptFileError):
            verify_manifest(directory)


def test_a_name_too_long_for_any_file_is_missing(directory: Path) -> None:
    change(directory, files={"x" * 5000: {"bytes": 0, "sha256": EMPTY_SHA256}}, number_of_files=1)
    with pytest.raises(CorruptFileError, match="xxx is missing"):
        verify_manifest(directory)


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "inner/../../secret", "link", "nul\0"])
def test_names_that_leave_the_directory_are_refused(directory: Path, name: str) -> None:
    (directory.parent / "secret").touch()
    (directory / "link").symlink_to(directory.parent / "secret")
    change(directory, files={name: {"bytes": 0, "sha256": EMPTY_SHA256}}, number_of_files=1)
    with pytest.raises(CorruptFileError, match=r"lists .*, which is not a file inside"):
        verify_manifest(directory)


def test_a_link_that_leads_out_is_not_recorded(directory: Path) -> None:
    (directory.parent / "secret").touch()
    (directory / "link").symlink_to(directory.parent / "secret")
    with pytest.raises(StorageError, match=r"link is a link that leads out of .*\. Copy the file there instead"):
        write_manifest(directory)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (None, ": files.train-0 is None; it must be an object"),
        (3, ": files.train-0 is 3; it must be an object"),
        ({}, " has no files.train-0.bytes"),
        ({"bytes": "10", "sha256": EMPTY_SHA256}, ": files.train-0.bytes is '10'; it must be a whole number"),
        ({"bytes": -1, "sha256": EMPTY_SHA256}, ": files.train-0.bytes is -1; it must be a whole number of at least 0"),
        ({"bytes": 10, "sha256": "X"}, ": files.train-0.sha256 is 'X'; it must be 64 hexadecimal digits"),
        ({"bytes": 10}, " has no files.train-0.sha256"),
    ],
)
def test_an_entry_without_size_and_hash_is_corrupt(directory: Path, entry: object, message: str) -> None:
    change(directory, files={"train-0": entry}, number_of_files=1)
    with pytest.raises(CorruptFileError, match=rf"MANIFEST\.json{re.escape(message)}"):
        verify_manifest(directory)


def test_a_manifest_of_another_shape_is_corrupt(directory: Path) -> None:
    change(directory, number_of_files=2)
    with pytest.raises(CorruptFileError, match="lists 3 files and says there are 2"):
        verify_manifest(directory)
    change(directory, version=2)
    with pytest.raises(CorruptFileError, match="has version 2; this gpt25 reads version 1"):
        verify_manifest(directory)
    for content, message in (
        ("[]", r"holds a list, not an object"),
        ('{"version": 1, "number_of_files": 0, "files": []}', r"files is \[\]; it must be an object"),
        ('{"version": 1, "number_of_files": 0, "files": {}, "filed": 1}', "no field 'filed'; did you mean 'files'"),
    ):
        (directory / MANIFEST_NAME).write_text(content)
        with pytest.raises(CorruptFileError, match=rf"MANIFEST\.json:? .*{message}|MANIFEST\.json {message}"):
            verify_manifest(directory)
