"""Parts that many machines prepared, seen as the one data set that they are."""

import hashlib
from collections import Counter
from dataclasses import replace
from pathlib import Path

from gpt25.counted import counted
from gpt25.data.shards.prepared_data import INDEX_NAME, PreparedData, PreparedSplit
from gpt25.data.sources.document import SPLITS, Split
from gpt25.data.sources.document_reader import sum_of_counts
from gpt25.data.sources.first_names import first_names
from gpt25.data.sources.part import Part
from gpt25.errors import DataError
from gpt25.storage import is_directory, is_file, matching

_PARTS_SHOWN = 8


def holds_parts(directory: Path) -> bool:
    """Whether a directory has folders of parts in it, finished or not."""
    return bool(_folders(directory))


def _folders(directory: Path) -> dict[Part, Path]:
    found = ((Part.of_folder(path.name), path) for path in matching(directory, "part-*") if is_directory(path))
    return {part: path for part, path in found if part is not None}


def join_parts(directory: Path) -> PreparedData:
    """All parts of a directory as one: part after part, so in the order of the sources.

    Raises DataError where a part is missing, unfinished or there twice, or where parts were not made from the same
    files with the same tokenizer and settings.
    """
    folders = _folders(directory)
    counts = sorted({part.count for part in folders})
    if len(counts) > 1:
        raise DataError(
            f"{directory} holds parts of different divisions: of {', of '.join(map(str, counts))}. "
            "Remove those of all but one."
        )
    wanted = [Part(number, counts[0]) for number in range(1, counts[0] + 1)]
    missing = [part for part in wanted if part not in folders or not is_file(folders[part] / INDEX_NAME)]
    if missing:
        names = ", ".join(map(str, missing[:_PARTS_SHOWN])) + (" …" if len(missing) > _PARTS_SHOWN else "")
        raise DataError(
            f"{directory}: {len(missing):,} of {counts[0]:,} parts are missing or not finished: {names}. Prepare each "
            f"with the same `gpt25 data prepare` and --part {missing[0]}."
        )
    parts = [PreparedData.read(folders[part]) for part in wanted]
    for part, data in zip(wanted, parts, strict=True):
        _require_same_settings(part, data, parts[0])
    _require_no_duplicates(directory, parts)
    joined = _joined(directory, parts)
    if 0 < joined.validation_fraction < 1 and joined.train.tokens and not joined.validation.tokens:
        raise DataError(
            f"{directory}: no text is left for the validation split: {counted(joined.train.documents, 'documents')} "
            f"split with a validation fraction of {joined.validation_fraction}. Prepare the parts with a larger one."
        )
    return joined


def _joined(directory: Path, parts: list[PreparedData]) -> PreparedData:
    return replace(
        parts[0],
        directory=directory,
        train=_joined_split("train", parts),
        validation=_joined_split("validation", parts),
        source_fingerprint=None,
        content_sha256=hashlib.sha256("".join(data.content_sha256 for data in parts).encode()).hexdigest(),
        counts=sum_of_counts(data.counts for data in parts),
        part=None,
        special_token_names=sum(data.special_token_names for data in parts),
    )


def _require_same_settings(part: Part, data: PreparedData, first: PreparedData) -> None:
    """Raise DataError unless a folder holds the part of its name, made as the first one was."""
    where = data.directory / INDEX_NAME
    if data.part is None or (data.part.number, data.part.count) != (part.number, part.count):
        held = "no part" if data.part is None else f"part {data.part.number}/{data.part.count}"
        raise DataError(f"{where} describes {held}, its folder's name says {part}; a folder was renamed or copied")
    assert first.part is not None
    if data.tokenizer_fingerprint != first.tokenizer_fingerprint:
        raise DataError(
            f"{where}: part {part} was made with the tokenizer {data.tokenizer_name} ({data.tokenizer_fingerprint}), "
            f"part 1 with {first.tokenizer_name} ({first.tokenizer_fingerprint}). Prepare one of them again."
        )
    if data.part.sources_sha256 != first.part.sources_sha256:
        raise DataError(
            f"{where}: part {part} was cut from other files, or read with another --field, --encoding or "
            f"--invalid-utf8, than part 1 ({first_names(data.sources)}; {first_names(first.sources)}). Prepare one of "
            "them again."
        )
    if data.special_tokens != first.special_tokens:
        raise DataError(
            f"{where}: part {part} was prepared with special_tokens {data.special_tokens}, part 1 with "
            f"{first.special_tokens}. Prepare one of them again."
        )
    if data.split_rule != first.split_rule and first.split_rule != "first":
        raise DataError(
            f"{where}: part {part} was split by {data.split_rule}, part 1 by {first.split_rule}. Prepare one of them "
            "again."
        )
    if data.validation_fraction != first.validation_fraction:  # 0 beside a first part that holds out tokens
        raise DataError(
            f"{where}: part {part} was split with the validation fraction {data.validation_fraction}, part 1 with "
            f"{first.validation_fraction}. Prepare one of them again."
        )


def _require_no_duplicates(directory: Path, parts: list[PreparedData]) -> None:
    """Raise DataError where two parts that have text have the same."""
    with_text = [data for data in parts if data.train.tokens + data.validation.tokens]
    for content, times in Counter(data.content_sha256 for data in with_text).items():
        if times > 1:
            same = [data.directory.name for data in with_text if data.content_sha256 == content]
            raise DataError(f"{directory}: {' and '.join(same[:_PARTS_SHOWN])} hold the same text; prepare them again")


def _joined_split(name: Split, parts: list[PreparedData]) -> PreparedSplit:
    assert name in SPLITS
    splits = [data.split(name) for data in parts]
    return PreparedSplit(
        tokens=sum(split.tokens for split in splits),
        documents=sum(split.documents for split in splits),
        bytes=sum(split.bytes for split in splits),
        shards=tuple(
            replace(shard, file=f"{data.directory.name}/{shard.file}")
            for data, split in zip(parts, splits, strict=True)
            for shard in split.shards
        ),
    )
