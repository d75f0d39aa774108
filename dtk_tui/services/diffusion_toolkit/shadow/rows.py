"""Building rows of shadow tables, column by column.

Only images that need no note get one: those with a value out of range, or a date whose instant is ambiguous, are
staged. What a value becomes is what ``store.diffusion_toolkit.images`` makes of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from xxhash import xxh3_64_intdigest

from dtk_tui.services.diffusion_toolkit.paths import LONGEST_NAME
from dtk_tui.services.diffusion_toolkit.read.arrow import Columns
from dtk_tui.services.diffusion_toolkit.read.csv_rows import chunks_json
from dtk_tui.services.diffusion_toolkit.read.hashing import mix
from dtk_tui.services.diffusion_toolkit.read.string_pool import StringPool
from dtk_tui.services.diffusion_toolkit.timezone import UNIX_EPOCH_TICKS
from dtk_tui.store.copy import columns as copy_columns
from dtk_tui.store.diffusion_toolkit import record_batches
from dtk_tui.store.diffusion_toolkit.shadow_rows import IMAGE_COLUMNS, Rows, raw_row

#: (first tick, last tick, seconds east of UTC): local times whose instant is beyond doubt.
Span = tuple[int, int, int]
Ticks = npt.NDArray[np.int64]

#: PostgreSQL counts microseconds from 2000 on.
_POSTGRES_EPOCH_TICKS = 630822816000000000
_FLAGS = ("Favorite", "NSFW", "ForDeletion", "Unavailable", "NoMetadata", "HasError", "Type")
_SMALL = ("Steps", "BatchSize", "BatchPos", "ClipSkip", "ENSD")
_INT32 = np.iinfo(np.int32)
_VIDEO = r"\.(mp4|webm|mov|m4v|avi|mkv)$"
#: Texts between which the separator stands of what ``image.metadata_hash`` is made of.
_SEPARATED = ("Sampler", "Model", "ModelHash")
_SEPARATOR = "\x1f"
_ERROR = b"Diffusion Toolkit could not read this file."


class RowBuilder:
    """Builds rows of columns; one a thread.

    Args:
        base: image.id is Id and this.
        spans: times of the zone of the machine that scanned.
    """

    def __init__(self, pool: StringPool, base: int, spans: Sequence[Span]) -> None:
        self._pool = pool
        self._base = base
        self._spans = np.array(sorted(spans), np.int64).reshape(-1, 3).T

    def make(self, columns: Columns) -> Rows:
        """Return the rows of those images that need no note."""
        columns = columns.where(self._is_direct(columns))
        if columns.count:
            prompts = self._prompts(columns)
            negatives = self._negatives(columns)
            are_plain = (prompts >= 0) & (negatives >= 0)
            columns, prompts, negatives = columns.where(are_plain), prompts[are_plain], negatives[are_plain]
        if not columns.count:
            return Rows.empty()
        ids = columns.rowids + self._base
        raw_ids, raw = self._raw(columns)
        groups = _groups(columns, prompts, negatives)
        return Rows(ids, self._image(columns, prompts, negatives), self._records(columns), raw_ids, raw, groups)

    def _is_direct(self, columns: Columns) -> npt.NDArray[np.bool_]:
        """Return which images are written as they stand; the rules are those of ``store.diffusion_toolkit.notes``."""
        flags = np.bitwise_or.reduce([columns.numbers(name) for name in _FLAGS])
        size = columns.numbers("Width") | columns.numbers("Height")
        rating = columns.numbers("Rating", 1)
        small = [columns.numbers(name) for name in _SMALL]
        name = pc.fill_null(columns.path_parts[1], "")
        is_good: npt.NDArray[np.bool_] = (
            columns.is_valid("Path")
            & ((flags == 0) | (flags == 1))
            & (size >= 0) & (size <= _INT32.max)
            & (np.maximum.reduce(small) <= _INT32.max) & (np.minimum.reduce(small) >= _INT32.min)
            & (rating >= 1) & (rating <= 10)
            & (columns.numbers("FileSize", -1) >= 0)
            & columns.is_valid("CreatedDate") & self._utc_offsets(columns.numbers("CreatedDate"))[1]
            & _to_mask(pc.greater(pc.binary_length(name), 0))
            & _to_mask(pc.less_equal(pc.binary_length(name), LONGEST_NAME))
            & _to_mask(pc.coalesce(pc.equal(columns.texts("FileName"), name), pa.scalar(True)))
        )  # fmt: skip
        for column in _SEPARATED:
            if columns.has_controls(column):
                is_good &= ~_to_mask(pc.match_substring(columns.texts(column), _SEPARATOR))
        for column in ("ModifiedDate", "ViewedDate", "TouchedDate"):
            ticks = columns.numbers(column)
            if ticks.any():
                is_good &= (ticks == 0) | self._utc_offsets(ticks)[1]
        prompt = columns.texts("Prompt")
        is_blank = _to_mask(pc.or_(pc.ascii_is_space(prompt), pc.equal(prompt, "")))
        return is_good & ~is_blank & (columns.is_valid("Prompt") | ~columns.is_valid("Workflow"))

    def _utc_offsets(self, ticks: Ticks) -> tuple[Ticks, npt.NDArray[np.bool_]]:
        """Return the seconds east of UTC at local times, and where they are beyond doubt."""
        first, last, seconds = self._spans
        if not len(first):
            return np.zeros_like(ticks), np.zeros(len(ticks), bool)
        at = np.maximum(np.searchsorted(first, ticks, "right") - 1, 0)
        return seconds[at], (first[at] <= ticks) & (ticks <= last[at])

    def _instants(self, ticks: Ticks, valid: copy_columns.Mask = None) -> copy_columns.Fields:
        east, _ = self._utc_offsets(ticks)
        return copy_columns.numbers((ticks - _POSTGRES_EPOCH_TICKS) // 10 - east * 1_000_000, ">i8", valid)

    def _keys(self, texts: Iterable[bytes | None], count: int) -> Ticks:
        """Return the keys of texts that are stored once: 0 for none, -1 where a text cannot be sent as it is."""
        cache, add = self._pool.texts, self._pool.key_of_text
        found = (cache.get(one) or add(one) for one in texts)
        return np.fromiter((-1 if one is None else one[2] for one in found), np.int64, count)

    def _prompts(self, columns: Columns) -> Ticks:
        """Return the keys of prompts; those met before are found a whole column at a time."""
        found = self._pool.text_index().find(columns.texts("Prompt"))
        if (missing := found < 0).any():
            rest = columns.where(missing)
            found[missing] = self._keys(rest.blobs("Prompt"), rest.count)
        return found

    def _negatives(self, columns: Columns) -> Ticks:
        """Return the keys of negative prompts, of which there are few."""
        coded = columns.texts("NegativePrompt").dictionary_encode()
        keys = self._keys([*coded.dictionary.cast(pa.binary()).to_pylist(), None], len(coded.dictionary) + 1)
        found: Ticks = keys[coded.indices.fill_null(len(keys) - 1).to_numpy(zero_copy_only=False)]
        return found

    def _folders(self, starts: pa.StringArray) -> Ticks:
        coded = starts.dictionary_encode()
        pool = self._pool
        keys = [
            int((pool.folders.get(start) or pool.key_of_folder(start))[0])
            for start in coded.dictionary.cast(pa.binary()).to_pylist()
        ]
        found: Ticks = np.array(keys, np.int64)[coded.indices.to_numpy()]
        return found

    def _image(self, columns: Columns, prompts: Ticks, negatives: Ticks) -> pa.BinaryArray:
        created, modified = columns.numbers("CreatedDate"), columns.numbers("ModifiedDate")
        modified = np.where(modified == 0, created, modified)
        nanoseconds = (modified - UNIX_EPOCH_TICKS) * 100 - self._utc_offsets(modified)[0] * 1_000_000_000
        has_metadata = _has_metadata(columns)
        start, name = columns.path_parts
        has_workflow = columns.is_valid("Workflow")
        kind = columns.numbers("Type") == 1
        if not (typed := columns.is_valid("Type")).all():
            kind |= ~typed & _to_mask(pc.match_substring_regex(pc.ascii_lower(name), _VIDEO))
        fields: dict[str, list[copy_columns.Fields]] = {
            "id": [copy_columns.numbers(columns.rowids + self._base, ">i8")],
            "folder_id": [copy_columns.numbers(self._folders(start), ">i8")],
            "prompt_id": [copy_columns.numbers(prompts, ">i8", prompts > 0)],
            "negative_prompt_id": [copy_columns.numbers(negatives, ">i8", negatives > 0)],
            "file_name": copy_columns.texts(name),
            "file_size": [_integers(columns, "FileSize", ">i8")],
            # 0, which no file has, for what a scan should read again.
            "mtime_ns": [
                copy_columns.numbers(np.where(has_metadata & columns.is_valid("Prompt"), nanoseconds, 0), ">i8")
            ],
            "created_at": [self._instants(created)],
            "viewed_at": [self._optional_instants(columns, "ViewedDate")],
            "touched_at": [self._optional_instants(columns, "TouchedDate")],
            "scan_phase": [copy_columns.numbers(has_metadata | (columns.numbers("NoMetadata") != 0), ">i2")],
            "is_video": [copy_columns.numbers(kind, "?")],
            "has_workflow": [copy_columns.numbers(has_workflow, "?")],
            "dialect": _text_where(has_workflow, b"comfyui"),
            "error": _text_where(columns.numbers("HasError") != 0, _ERROR),
            "seed": [copy_columns.numerics(columns.numbers("Seed"), columns.is_valid("Seed"))],
            "rating": [_integers(columns, "Rating", ">i2")],
            "extra": _extra_json(columns),
        }
        fields |= {
            column: [copy_columns.numbers(columns.numbers(name) != 0, "?")] for column, name in _IMAGE_FLAGS.items()
        }
        fields |= {column: [_integers(columns, name, ">i4")] for column, name in _IMAGE_NUMBERS.items()}
        fields |= {
            column: [copy_columns.numbers(columns.floats(name), ">f8", columns.is_valid(name))]
            for column, name in _IMAGE_FLOATS.items()
        }
        fields |= {column: copy_columns.texts(columns.texts(name)) for column, name in _IMAGE_TEXTS.items()}
        return _rows(fields, IMAGE_COLUMNS, columns.count)

    def _optional_instants(self, columns: Columns, name: str) -> copy_columns.Fields:
        ticks = columns.numbers(name)
        return self._instants(ticks, ticks != 0) if ticks.any() else copy_columns.constant(None)

    def _records(self, columns: Columns) -> pa.RecordBatch:
        marks = columns.numbers("Rating", -1) * 8 + columns.numbers("Favorite") * 4
        marks += columns.numbers("NSFW") * 2 + columns.numbers("ForDeletion")
        arrays = {"source_id": pa.array(columns.rowids), "marks": pa.array(marks.astype(np.int32))}
        arrays |= {column: columns.texts(name) for column, name in _RECORD_TEXTS.items()}
        arrays |= {
            column: pa.array(columns.numbers(name), mask=~columns.is_valid(name)).cast(
                record_batches.COLUMNS.field(column).type
            )
            for column, name in _RECORD_NUMBERS.items()
        }
        return pa.RecordBatch.from_pydict(arrays, record_batches.COLUMNS)

    def _raw(self, columns: Columns) -> tuple[Ticks, list[bytes]]:
        ids = columns.rowids[columns.is_valid("Workflow")] + self._base
        controls = columns.has_controls("Workflow")
        chunks = [chunks_json(text, controls) for text in columns.blobs("Workflow") if text is not None]
        return ids, [raw_row(number, text) for number, text in zip(ids.tolist(), chunks, strict=True)]


def _groups(columns: Columns, prompts: Ticks, negatives: Ticks) -> npt.NDArray[np.uint64]:
    """Return numbers that are equal where ``image.metadata_hash`` is; 0 where that is NULL."""
    found = prompts.view(np.uint64).copy()
    parts = [negatives, columns.numbers("Seed"), columns.numbers("Steps"), columns.floats("CFGScale").view(np.int64)]
    parts += [columns.is_valid(name).astype(np.int64) for name in ("Seed", "Steps", "CFGScale")]
    for name in _SEPARATED:
        coded = columns.texts(name).fill_null("").dictionary_encode()
        numbers = [xxh3_64_intdigest(text) for text in coded.dictionary.cast(pa.binary()).to_pylist()]
        parts.append(np.array(numbers, np.uint64)[coded.indices.to_numpy()].view(np.int64))
    for part in parts:
        found = mix(found, part.view(np.uint64))
    return np.where(prompts > 0, found | np.uint64(1), np.uint64(0))


_IMAGE_FLAGS = {
    "favorite": "Favorite", "nsfw": "NSFW", "for_deletion": "ForDeletion", "unavailable": "Unavailable",
}  # fmt: skip
_IMAGE_NUMBERS = {"width": "Width", "height": "Height", "steps": "Steps"}
_IMAGE_FLOATS = {
    "cfg_scale": "CFGScale", "aesthetic_score": "AestheticScore", "hypernetwork_strength": "HyperNetworkStrength",
}  # fmt: skip
_IMAGE_TEXTS = {
    "sampler": "Sampler", "model": "Model", "model_hash": "ModelHash", "custom_tags": "CustomTags",
    "hypernetwork": "HyperNetwork",
}  # fmt: skip
_RECORD_NUMBERS = {
    "created_ticks": "CreatedDate", "modified_ticks": "ModifiedDate", "viewed_ticks": "ViewedDate",
    "touched_ticks": "TouchedDate", "root_folder_id": "RootFolderId", "batch_size": "BatchSize",
    "batch_pos": "BatchPos", "clip_skip": "ClipSkip", "ensd": "ENSD", "no_metadata": "NoMetadata",
    "has_error": "HasError",
}  # fmt: skip
_RECORD_TEXTS = {"workflow_id": "WorkflowId", "hash": "Hash", "custom_tags": "CustomTags"}


def _to_mask(values: pa.BooleanArray) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = pc.fill_null(values, False).to_numpy(zero_copy_only=False)
    return found


def _has_metadata(columns: Columns) -> npt.NDArray[np.bool_]:
    """Return which images say how they were made."""
    has_sampler = _to_mask(pc.not_equal(columns.texts("Sampler"), ""))
    other = (columns.numbers("Steps") != 0) | (columns.numbers("Seed") != 0) | has_sampler
    found: npt.NDArray[np.bool_] = (columns.numbers("NoMetadata") == 0) & (columns.is_valid("Prompt") | other)
    return found


def _integers(columns: Columns, name: str, kind: str) -> copy_columns.Fields:
    return copy_columns.numbers(columns.numbers(name), kind, columns.is_valid(name))


def _text_where(mask: npt.NDArray[np.bool_], text: bytes) -> list[copy_columns.Fields]:
    """Return one text where ``mask`` is true, and NULL elsewhere."""
    if not mask.any():
        return [copy_columns.constant(None)]
    return copy_columns.texts(pc.if_else(pa.array(mask), pa.scalar(text, pa.binary()), pa.scalar(None, pa.binary())))


def _extra_json(columns: Columns) -> list[copy_columns.Fields]:
    """Return the field of jsonb, whose binary form is a version and text."""
    if not (valid := columns.is_valid("ClipSkip")).any():
        return [copy_columns.constant(None)]
    number = pa.array(columns.numbers("ClipSkip"), mask=~valid).cast(pa.string())
    return copy_columns.texts(pc.binary_join_element_wise('\x01{"clip_skip": ', number, "}", ""))


def _rows(fields: dict[str, list[copy_columns.Fields]], names: Iterable[str], count: int) -> pa.BinaryArray:
    ordered = [fields[name] for name in names]
    return copy_columns.rows([field for column in ordered for field in column], len(ordered), count)
