"""The SELECT by which images go straight beside an empty library: SQLite writes their lines and their books' lines.

Only a row that needs no note goes this way: one with a value out of range, or a date whose instant is in doubt, says so
in its second column, and is staged. What a value becomes is what ``store.migration_merge`` makes of it.
"""

from __future__ import annotations

from collections.abc import Sequence

from dtk_tui.services.migration.images_sql import BLANK, chunks, in_quotes, odd
from dtk_tui.services.migration.source import quoted
from dtk_tui.store.migration_beside import BOOK_COLUMNS, IMAGE_COLUMNS

#: Columns at the end of an image's line that the reader adds itself.
_ADDED = ("folder_id", "prompt_id", "negative_prompt_id", "file_name")
_UNIX_EPOCH_TICKS = 621355968000000000
_FLAGS = ("Favorite", "NSFW", "ForDeletion", "Unavailable", "NoMetadata", "HasError", "Type")
_SMALL = ("Steps", "BatchSize", "BatchPos", "ClipSkip", "ENSD")
_VIDEOS = ("mp4", "webm", "mov", "m4v", "avi", "mkv")

#: (first tick, last tick, seconds east of UTC): local times whose instant is beyond doubt.
Span = tuple[int, int, int]


class _Row:
    """Expressions for a row of a table that has only some of the columns."""

    def __init__(self, columns: Sequence[str], spans: Sequence[Span]) -> None:
        self.have = set(columns)
        self._spans = sorted(spans)

    def value(self, column: str) -> str:
        return quoted(column) if column in self.have else "NULL"

    def number(self, column: str, missing: int = 0) -> str:
        return f"ifnull({quoted(column)}, {missing})" if column in self.have else str(missing)

    def text(self, column: str) -> str:
        return f"ifnull({in_quotes(quoted(column))}, '')" if column in self.have else "''"

    def flag(self, column: str) -> str:
        return f"iif({self.number(column)} = 0, 'f', 't')"

    def flag_or_null(self, column: str) -> str:
        return f"iif({self.value(column)} IS NULL, NULL, {self.flag(column)})"

    def real(self, column: str) -> str:
        """Return a float as PostgreSQL writes it: 7, not 7.0."""
        name = self.value(column)
        return f"iif({name} = CAST({name} AS INTEGER), CAST({name} AS INTEGER), {name})"

    def ticks(self, column: str) -> str:
        """Return a date that is not 0, or NULL."""
        return f"nullif({self.value(column)}, 0)"

    def east(self, ticks: str) -> str:
        """Return the seconds east of UTC at a local time; NULL where they are in doubt."""
        return self._east(ticks, self._spans) if self._spans else "NULL"

    def _east(self, ticks: str, spans: Sequence[Span]) -> str:
        if len(spans) == 1:
            first, last, seconds = spans[0]
            return f"iif({ticks} BETWEEN {first} AND {last}, {seconds}, NULL)"
        middle = len(spans) // 2
        left, right = self._east(ticks, spans[:middle]), self._east(ticks, spans[middle:])
        return f"iif({ticks} < {spans[middle][0]}, {left}, {right})"

    def instant(self, ticks: str) -> str:
        """Return a date as PostgreSQL writes a timestamp in UTC."""
        seconds = f"({ticks} - {_UNIX_EPOCH_TICKS}) / 10000000"
        part = f"{ticks} % 10000000 / 10"
        return (
            f"strftime('%Y-%m-%d %H:%M:%S', {seconds} - {self.east(ticks)}, 'unixepoch')"
            f" || iif({part} = 0, '', rtrim(printf('.%06d', {part}), '0')) || '+00'"
        )

    def known(self) -> str:
        """Return whether the row says how its image was made."""
        other = (
            f"{self.number('Steps')} <> 0 OR {self.number('Seed')} <> 0 OR ifnull({self.value('Sampler')}, '') <> ''"
        )
        return f"({self.number('NoMetadata')} = 0 AND ({self.value('Prompt')} IS NOT NULL OR {other}))"


def select(columns: Sequence[str], base: int, migration_id: int, spans: Sequence[Span]) -> str:
    """Return the SELECT over a range of Ids for a table with ``columns``.

    Its columns: Id, way (0 straight, 1 staged as it is, 2 odd), Path, Prompt, NegativePrompt, Workflow as
    image_raw.chunks holds it, the line of the image (without folder, prompts and name), the line of its book. Its
    parameters: first and last Id.

    Args:
        base: image.id is Id and this.
        spans: times of the zone of the machine that scanned.
    """
    row = _Row(columns, spans)
    shared = ", ".join(row.value(column) for column in ("Path", "Prompt", "NegativePrompt"))
    image = _line([name for name in IMAGE_COLUMNS if name not in _ADDED], _image(row, base))
    book = _line(BOOK_COLUMNS, _book(row, base, migration_id))
    way = f"iif({odd(row.have, texts_are_seen=True)}, 2, {_noted(row)})"
    return f"""
        SELECT rowid, {way}, {shared}, {chunks(row.have)}, {image}, {book}
          FROM "Image" WHERE rowid BETWEEN ? AND ? ORDER BY rowid"""  # noqa: S608 (names of our own list)


def _line(names: Sequence[str], values: dict[str, tuple[str, bool]]) -> str:
    """Return the expression for a line; texts are joined on, because printf ends a text at a NUL."""
    plain: list[str] = []
    parts: list[str] = []

    def flush(end: str) -> None:
        if plain:
            parts.append(f"printf('{','.join(['%s'] * len(plain))}{end}', {', '.join(plain)})")
            plain.clear()

    for at, name in enumerate(names):
        value, is_text = values[name]
        is_last = at == len(names) - 1
        if is_text:
            flush(",")
            parts.append(value if is_last else f"{value} || ','")
        else:
            plain.append(value)
    flush("")
    return " || ".join(parts)


def _image(row: _Row, base: int) -> dict[str, tuple[str, bool]]:
    created, modified = row.value("CreatedDate"), f"ifnull({row.ticks('ModifiedDate')}, {row.value('CreatedDate')})"
    nanoseconds = f"({modified} - {_UNIX_EPOCH_TICKS}) * 100 - {row.east(modified)} * 1000000000"
    is_video = " OR ".join(f"""{row.value("Path")} LIKE '%.{ending}'""" for ending in _VIDEOS)
    kind = row.value("Type")
    workflow = row.value("Workflow")
    plain = {
        "id": f"rowid + {base}",
        "file_size": row.value("FileSize"),
        # 0, which no file has, for what a scan should read again.
        "mtime_ns": f"iif({row.known()} AND {row.value('Prompt')} IS NOT NULL, {nanoseconds}, 0)",
        "created_at": row.instant(created),
        "width": row.value("Width"),
        "height": row.value("Height"),
        "steps": row.value("Steps"),
        "cfg_scale": row.real("CFGScale"),
        "scan_phase": f"iif({row.known()} OR {row.number('NoMetadata')} <> 0, 1, 0)",
        "rating": row.value("Rating"),
        "favorite": row.flag("Favorite"),
        "nsfw": row.flag("NSFW"),
        "for_deletion": row.flag("ForDeletion"),
        "unavailable": row.flag("Unavailable"),
        "is_video": f"iif(iif({kind} IS NULL, {is_video}, {kind} = 1), 't', 'f')",
        "has_workflow": f"iif({workflow} IS NULL, 'f', 't')",
        "seed": row.value("Seed"),
        "dialect": f"iif({workflow} IS NULL, NULL, '''comfyui''')",
        "error": f"iif({row.number('HasError')} = 0, NULL, '''Diffusion Toolkit could not read this file.''')",
        "extra": f"""'{{"clip_skip": ' || {row.value("ClipSkip")} || '}}'""",
        "aesthetic_score": row.real("AestheticScore"),
        "hypernetwork_strength": row.real("HyperNetworkStrength"),
        "viewed_at": f"iif({row.number('ViewedDate')} = 0, NULL, {row.instant(row.value('ViewedDate'))})",
        "touched_at": f"iif({row.number('TouchedDate')} = 0, NULL, {row.instant(row.value('TouchedDate'))})",
    }
    texts = {
        "sampler": "Sampler", "model": "Model", "model_hash": "ModelHash", "custom_tags": "CustomTags",
        "hypernetwork": "HyperNetwork",
    }  # fmt: skip
    return {name: (value, False) for name, value in plain.items()} | {
        name: (row.text(column), True) for name, column in texts.items()
    }


def _book(row: _Row, base: int, migration_id: int) -> dict[str, tuple[str, bool]]:
    marks = f"{row.number('Rating', -1)} * 8 + {row.number('Favorite')} * 4 + {row.number('NSFW')} * 2"
    plain = {
        "image_id": f"rowid + {base}",
        "migration_id": str(migration_id),
        "source_id": "rowid",
        "created_ticks": row.value("CreatedDate"),
        "modified_ticks": row.value("ModifiedDate"),
        "viewed_ticks": row.value("ViewedDate"),
        "touched_ticks": row.value("TouchedDate"),
        "marks": f"{marks} + {row.number('ForDeletion')}",
        "batch_size": row.value("BatchSize"),
        "batch_pos": row.value("BatchPos"),
        "clip_skip": row.value("ClipSkip"),
        "ensd": row.value("ENSD"),
        "no_metadata": row.flag_or_null("NoMetadata"),
        "has_error": row.flag_or_null("HasError"),
        "is_new": "'t'",
        "root_folder_id": row.value("RootFolderId"),
    }
    texts = {"workflow_id": "WorkflowId", "hash": "Hash", "custom_tags": "CustomTags"}
    return {name: (value, False) for name, value in plain.items()} | {
        name: (row.text(column), True) for name, column in texts.items()
    }


def _noted(row: _Row) -> str:
    """Return the condition for a row that is not written as it stands; the rules are those of ``migration_merge``."""
    flags = " | ".join(row.number(column) for column in _FLAGS)
    small = ", ".join(row.number(column) for column in _SMALL)
    prompt = row.value("Prompt")
    conditions = [
        f"({prompt} IS NOT NULL AND trim({prompt}, {BLANK}) = '')",
        f"{row.number('Rating', 1)} NOT BETWEEN 1 AND 10",
        f"({flags}) NOT IN (0, 1)",
        f"({row.number('Width')} | {row.number('Height')}) NOT BETWEEN 0 AND 2147483647",
        f"max({small}) > 2147483647",
        f"min({small}) < -2147483648",
        f"{row.number('FileSize', -1)} < 0",
        f"{row.east(row.value('CreatedDate'))} IS NULL",
    ]
    for column in ("ModifiedDate", "ViewedDate", "TouchedDate"):
        if column in row.have:
            conditions.append(f"({row.number(column)} <> 0 AND {row.east(row.value(column))} IS NULL)")
    return " OR ".join(conditions)


def is_possible(columns: Sequence[str], id_is_rowid: bool) -> bool:
    """Whether rows of a table with ``columns`` can go this way; without these each needs a note."""
    return id_is_rowid and {"FileSize", "CreatedDate"} <= set(columns)
