"""Building rows of the library's tables, column by column."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from json.encoder import encode_basestring

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dtk_tui.services.diffusion_toolkit.paths import LONGEST_NAME
from dtk_tui.services.diffusion_toolkit.read.arrow import Columns
from dtk_tui.services.diffusion_toolkit.read.repair import NAMED, RANGES
from dtk_tui.services.diffusion_toolkit.read.string_pool import StringPool
from dtk_tui.services.diffusion_toolkit.timezone import UNIX_EPOCH_TICKS
from dtk_tui.store.copy import columns as copy_columns
from dtk_tui.store.diffusion_toolkit import record_batches
from dtk_tui.store.diffusion_toolkit.dates import FIRST_TICK, LAST_TICK
from dtk_tui.store.diffusion_toolkit.image_rows import IMAGE_COLUMNS, ImageRows, raw_row

#: (first tick, last tick, seconds east of UTC): local times whose instant is beyond doubt.
Span = tuple[int, int, int]
Ticks = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

#: PostgreSQL counts microseconds from 2000 on.
_POSTGRES_EPOCH_TICKS = 630822816000000000
_POSTGRES_EPOCH_US = (_POSTGRES_EPOCH_TICKS - UNIX_EPOCH_TICKS) // 10
#: Between these a time of a file is written in nanoseconds, as a scan sees it.
_FIRST_FILE_TICK, _LAST_FILE_TICK = 530000000000000000, 713000000000000000
_VIDEO = r"\.(mp4|webm|mov|m4v|avi|mkv)$"
_ERROR = b"Diffusion Toolkit could not read this file."
_SOURCE = b"diffusion-toolkit"


def chunks_json(workflow: bytes, may_have_controls: bool = True) -> tuple[bytes, bytes, bytes]:
    """Return a workflow, in the form in which it is stored, as ``image_raw.chunks`` holds it, in pieces.

    Args:
        may_have_controls: false where it is known that no character is below U+0020.
    """
    key = b"workflow" if b'"nodes"' in workflow and b'"links"' in workflow else b"prompt"
    if may_have_controls:
        quoted = encode_basestring(workflow.decode()).encode()[1:-1]
    else:
        quoted = workflow.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return b'[["%b","%b","' % (_SOURCE, key), quoted, b'"]]'


def is_direct(table: str, columns: Columns) -> Mask:
    """Return which rows are written as they stand, without a note; the rules are those of ``read.repair``."""
    if table == "Image":
        return _is_direct_image(columns)
    if table in NAMED:
        return _to_mask(pc.less_equal(pc.fill_null(pc.binary_length(columns.texts("Name")), 0), LONGEST_NAME))
    return np.ones(columns.count, bool)


def _is_direct_image(columns: Columns) -> Mask:
    name = pc.fill_null(columns.path_parts[1], "")
    is_good: Mask = (
        columns.is_valid("Path")
        & (columns.numbers("FileSize", -1) >= 0)
        & _are_dates(columns.numbers("CreatedDate"))
        & _to_mask(pc.greater(pc.binary_length(name), 0))
        & _to_mask(pc.less_equal(pc.binary_length(name), LONGEST_NAME))
        & _to_mask(pc.coalesce(pc.equal(columns.texts("FileName"), name), pa.scalar(True)))
    )
    for column, (low, high) in RANGES.items():
        values = columns.numbers(column, low)
        is_good &= (values >= low) & (values <= high)
    for column in ("ModifiedDate", "ViewedDate", "TouchedDate"):
        ticks = columns.numbers(column)
        if ticks.any():
            is_good &= (ticks == 0) | _are_dates(ticks)
    prompt = columns.texts("Prompt")
    is_blank = _to_mask(pc.or_(pc.ascii_is_space(prompt), pc.equal(prompt, "")))
    return is_good & ~is_blank & (columns.is_valid("Prompt") | ~columns.is_valid("Workflow"))


def _are_dates(ticks: Ticks) -> Mask:
    found: Mask = (ticks >= FIRST_TICK) & (ticks <= LAST_TICK)
    return found


class RowBuilder:
    """Builds rows of columns.

    Args:
        base: image.id is Id and this.
        spans: times of the zone of the machine that scanned.
        instants: gives the microseconds since 1970 of any other local times, which are dates.
    """

    def __init__(
        self, pool: StringPool, base: int, spans: Sequence[Span], instants: Callable[[list[int]], list[int]]
    ) -> None:
        self._pool = pool
        self.base = base
        self._spans = np.array(sorted(spans), np.int64).reshape(-1, 3).T
        self._ask = instants

    def make_all(self, several: Sequence[Columns]) -> ImageRows:
        """Return the rows of all images of a range, in the order of their ids."""
        return ImageRows.sorted([self.make(columns) for columns in several if columns.count])

    def make(self, columns: Columns) -> ImageRows:
        """Return the rows of images that need no note, or that are repaired."""
        raw_ids, raw = self._raw(columns)
        unsaid = sum((~columns.is_valid(name)).astype(np.uint8) << bit for bit, name in _MARKS.items())
        return ImageRows(
            columns.ids + self.base, self._image(columns), self._records(columns), raw_ids, raw, np.asarray(unsaid)
        )

    def _instants(self, ticks: Ticks, are_dates: Mask) -> Ticks:
        """Return the microseconds since 1970 of local times, where they are dates."""
        first, last, seconds = self._spans
        at = np.maximum(np.searchsorted(first, ticks, "right") - 1, 0)
        found: Ticks = (ticks - UNIX_EPOCH_TICKS) // 10 - seconds[at] * 1_000_000
        is_unclear = are_dates & ((ticks < first[at]) | (ticks > last[at]))
        if is_unclear.any():
            unclear, places = np.unique(ticks[is_unclear], return_inverse=True)
            found[is_unclear] = np.array(self._ask(unclear.tolist()), np.int64)[places]
        return found

    def _folders(self, starts: pa.StringArray) -> Ticks:
        coded = starts.dictionary_encode()
        keys = [self._pool.key_of_folder(start) for start in coded.dictionary.cast(pa.binary()).to_pylist()]
        found: Ticks = np.array(keys, np.int64)[coded.indices.to_numpy()]
        return found

    def _image(self, columns: Columns) -> pa.BinaryArray:
        prompts, negatives = (self._pool.keys_of(columns.texts(name)) for name in ("Prompt", "NegativePrompt"))
        start, name = columns.path_parts
        has_metadata = _has_metadata(columns)
        has_workflow = columns.is_valid("Workflow")
        dialect = columns.texts("Dialect")
        fields: dict[str, list[copy_columns.Fields]] = {
            "id": [copy_columns.numbers(columns.ids + self.base, ">i8")],
            "folder_id": [copy_columns.numbers(self._folders(start), ">i8")],
            "prompt_id": [copy_columns.numbers(prompts, ">i8", prompts > 0)],
            "negative_prompt_id": [copy_columns.numbers(negatives, ">i8", negatives > 0)],
            "file_name": copy_columns.texts(name),
            "viewed_at": [self._optional_instants(columns, "ViewedDate")],
            "touched_at": [self._optional_instants(columns, "TouchedDate")],
            "scan_phase": [copy_columns.numbers(has_metadata | (columns.numbers("NoMetadata") != 0), ">i2")],
            "is_video": [copy_columns.numbers(_are_videos(columns, name), "?")],
            "has_workflow": [copy_columns.numbers(has_workflow, "?")],
            "dialect": _text_where(has_workflow, b"comfyui", dialect),
            "error": _text_where(columns.numbers("HasError") != 0, _ERROR),
            "seed": [
                copy_columns.numerics(columns.numbers("Seed"), columns.is_valid("Seed"), columns.is_valid("IsUnsigned"))
            ],
            "extra": _extra_json(columns),
        }
        fields |= self._dates(columns, has_metadata & columns.is_valid("Prompt"))
        fields |= {column: _fields(columns, name, kind) for column, (name, kind) in _IMAGE_VALUES.items()}
        return _rows(fields, IMAGE_COLUMNS, columns.count)

    def _dates(self, columns: Columns, is_read: Mask) -> dict[str, list[copy_columns.Fields]]:
        """Return the dates of files; ``is_read`` says which of them a scan need not read again."""
        created, modified = columns.numbers("CreatedDate"), columns.numbers("ModifiedDate")
        is_created, is_modified = _are_dates(created), _are_dates(modified)
        created, modified = np.where(is_created, created, modified), np.where(is_modified, modified, created)
        is_date = is_created | is_modified
        created_us = np.where(is_date, self._instants(created, is_date), 0)
        modified_ns = self._instants(modified, is_date) * 1000 + modified % 10 * 100
        # 0, which no file has, for what a scan should read again.
        is_time = is_read & is_date & (modified >= _FIRST_FILE_TICK) & (modified <= _LAST_FILE_TICK)
        return {
            "created_at": [copy_columns.numbers(created_us - _POSTGRES_EPOCH_US, ">i8")],
            "mtime_ns": [copy_columns.numbers(np.where(is_time, modified_ns, 0), ">i8")],
        }

    def _optional_instants(self, columns: Columns, name: str) -> copy_columns.Fields:
        ticks = columns.numbers(name)
        are_dates = _are_dates(ticks)
        if not are_dates.any():
            return copy_columns.constant(None)
        return copy_columns.numbers(self._instants(ticks, are_dates) - _POSTGRES_EPOCH_US, ">i8", are_dates)

    def _records(self, columns: Columns) -> pa.RecordBatch:
        marks = columns.numbers("Rating", -1) * 8
        marks += sum((columns.numbers(name) != 0).astype(np.int64) << bit for bit, name in _MARKS.items())
        arrays = {"source_id": pa.array(columns.ids), "marks": pa.array(marks.astype(np.int32))}
        arrays |= {
            column: columns.batch.column(name).cast(record_batches.COLUMNS.field(column).type)
            for column, name in _RECORD_VALUES.items()
        }
        return pa.RecordBatch.from_pydict(arrays, record_batches.COLUMNS)

    def _raw(self, columns: Columns) -> tuple[Ticks, list[bytes]]:
        ids = columns.ids[columns.is_valid("Workflow")] + self.base
        controls = columns.has_controls("Workflow")
        chunks = [chunks_json(text, controls) for text in columns.blobs("Workflow")]
        return ids, [raw_row(number, text) for number, text in zip(ids.tolist(), chunks, strict=True)]


#: The bits of ``dtk_marks``.
_MARKS = {2: "Favorite", 1: "NSFW", 0: "ForDeletion"}
#: Columns of an image that are written as they are read: (column of the source, how). Flags are true where not 0.
_IMAGE_VALUES = {
    "file_size": ("FileSize", ">i8"), "width": ("Width", ">i4"), "height": ("Height", ">i4"), "steps": ("Steps", ">i4"),
    "rating": ("Rating", ">i2"), "cfg_scale": ("CFGScale", ">f8"), "aesthetic_score": ("AestheticScore", ">f8"),
    "hypernetwork_strength": ("HyperNetworkStrength", ">f8"), "favorite": ("Favorite", "?"), "nsfw": ("NSFW", "?"),
    "for_deletion": ("ForDeletion", "?"), "unavailable": ("Unavailable", "?"), "sampler": ("Sampler", "text"),
    "scheduler": ("Scheduler", "text"), "model": ("Model", "text"), "model_hash": ("ModelHash", "text"),
    "custom_tags": ("CustomTags", "text"), "hypernetwork": ("HyperNetwork", "text"),
}  # fmt: skip
#: Columns of a record of an image.
_RECORD_VALUES = {
    "created_ticks": "CreatedDate", "modified_ticks": "ModifiedDate", "viewed_ticks": "ViewedDate",
    "touched_ticks": "TouchedDate", "root_folder_id": "RootFolderId", "batch_size": "BatchSize",
    "batch_pos": "BatchPos", "clip_skip": "ClipSkip", "ensd": "ENSD", "no_metadata": "NoMetadata",
    "has_error": "HasError", "workflow_id": "WorkflowId", "hash": "Hash", "custom_tags": "CustomTags",
}  # fmt: skip


def _to_mask(values: pa.BooleanArray) -> Mask:
    found: Mask = pc.fill_null(values, False).to_numpy(zero_copy_only=False)
    return found


def _has_metadata(columns: Columns) -> Mask:
    """Return which images say how they were made."""
    has_sampler = _to_mask(pc.not_equal(columns.texts("Sampler"), ""))
    other = (columns.numbers("Steps") != 0) | (columns.numbers("Seed") != 0) | has_sampler
    found: Mask = (columns.numbers("NoMetadata") == 0) & (columns.is_valid("Prompt") | other)
    return found


def _are_videos(columns: Columns, name: pa.StringArray) -> Mask:
    found: Mask = columns.numbers("Type") == 1
    if not (typed := columns.is_valid("Type")).all():
        found |= ~typed & _to_mask(pc.match_substring_regex(pc.ascii_lower(name), _VIDEO))
    return found


def _fields(columns: Columns, name: str, kind: str) -> list[copy_columns.Fields]:
    """Return the fields of a column of the source that is written as ``_IMAGE_VALUES`` says."""
    if kind == "text":
        return copy_columns.texts(columns.texts(name))
    if kind == "?":
        return [copy_columns.numbers(columns.numbers(name) != 0, kind)]
    return [copy_columns.numbers(columns.numbers(name), kind, columns.is_valid(name))]


def _text_where(mask: Mask, text: bytes, instead: pa.StringArray | None = None) -> list[copy_columns.Fields]:
    """Return one text where ``mask`` is true, and NULL elsewhere; ``instead`` goes before it."""
    if not mask.any():
        return [copy_columns.constant(None)]
    found = pc.if_else(pa.array(mask), pa.scalar(text, pa.binary()), pa.scalar(None, pa.binary()))
    return copy_columns.texts(found if instead is None else pc.coalesce(instead.cast(pa.binary()), found))


def _extra_json(columns: Columns) -> list[copy_columns.Fields]:
    """Return the field of jsonb, whose binary form is a version and text."""
    number = columns.batch.column("ClipSkip").cast(pa.string())
    return copy_columns.texts(pc.binary_join_element_wise('\x01{"clip_skip": ', number, "}", ""))


def _rows(fields: dict[str, list[copy_columns.Fields]], names: Iterable[str], count: int) -> pa.BinaryArray:
    ordered = [fields[name] for name in names]
    return copy_columns.rows([field for column in ordered for field in column], len(ordered), count)
