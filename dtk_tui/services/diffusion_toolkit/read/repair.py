"""Repairing rows that are not what the schema promises: a value is converted, or left out, and noted.

``is_direct`` of ``read.rows`` says which images need none of it; both follow the same rules.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from dtk_tui.domain.parameters import GenerationParameters, RawChunk
from dtk_tui.metadata.reader import derive
from dtk_tui.services.diffusion_toolkit.paths import LONGEST_NAME
from dtk_tui.services.diffusion_toolkit.paths import split as split_path
from dtk_tui.services.diffusion_toolkit.read.arrow import TYPES
from dtk_tui.services.diffusion_toolkit.source.sqlite import quoted
from dtk_tui.store.diffusion_toolkit.dates import is_date
from dtk_tui.store.text_codec import to_db

_INT64 = range(-(2**63), 2**63)
_FLAGS = ("Favorite", "NSFW", "ForDeletion", "Unavailable", "NoMetadata", "HasError")
_OTHER_DATES = ("ModifiedDate", "ViewedDate", "TouchedDate")
_INT32 = (-(2**31), 2**31 - 1)
#: (reason, columns, first and last value): whole and other numbers that are left out where they are out of range.
_LIMITS: tuple[tuple[str, tuple[str, ...], tuple[float, float]], ...] = (
    ("Width, Height: out of range, left out", ("Width", "Height"), (0, _INT32[1])),
    ("Steps: out of range, left out", ("Steps",), _INT32),
    ("a number is out of range, left out", ("BatchSize", "BatchPos", "ClipSkip", "ENSD"), _INT32),
    ("a number is not finite, left out", ("CFGScale", "AestheticScore", "HyperNetworkStrength"), (-1e300, 1e300)),
)
#: The values of an image's columns, first and last, that are written without a note; so is NULL.
RANGES: dict[str, tuple[float, float]] = {
    **{name: limits for _, columns, limits in _LIMITS for name in columns},
    **dict.fromkeys((*_FLAGS, "Type"), (0, 1)),
    "Rating": (1, 10),
}
_BLANK = " \t\n\v\f\r"
#: A prompt of blanks that is longer than this is one.
_LONGEST_BLANK = 99
_WORDS = {"true": 1, "yes": 1, "1": 1, "false": 0, "no": 0, "0": 0, "": 0}
#: Characters of what the source said that a note holds.
_LONGEST_ORIGINAL = 100_000
_DERIVED = {
    "Sampler": "sampler", "Model": "model", "ModelHash": "model_hash", "Steps": "steps", "CFGScale": "cfg_scale",
    "Seed": "seed",
}  # fmt: skip
#: Tables whose names must differ. An index of PostgreSQL takes no text of more than 2704 bytes.
NAMED = frozenset({"Album", "Tag", "Query"})
_SHORT_NAME = 200
#: Columns without which a row that was found in the indexes still says something.
_INESSENTIAL = frozenset({"ParentId", "Order", "LastUpdated", "CreatedDate", "ModifiedDate"})
DAMAGED = "its page in the file is damaged"


@dataclass(slots=True)
class RepairedRow:
    """A repaired row: ``values`` by column of Diffusion Toolkit, ``notes`` as (outcome, reason, {column: original})."""

    values: dict[str, Any]
    notes: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    is_refused: bool = False

    def repair(self, reason: str, column: str, original: Any) -> None:
        """Note that a value is not written as it was."""
        self.note(f"{column}: {reason}", column, values={column: original})

    def note(self, reason: str, *columns: str, values: Mapping[str, Any] | None = None) -> None:
        """Note a reason with what some columns say, or said."""
        originals = values or self.values
        self.notes.append(("repaired", reason, {column: originals[column] for column in columns}))

    def refuse(self, reason: str, *columns: str) -> RepairedRow:
        """Refuse the row: nothing of it is written but this note."""
        self.notes = [("refused", reason, {column: self.values[column] for column in columns})]
        self.is_refused = True
        return self


def decode(text: bytes) -> str:
    """Return a text of the source; undecodable bytes become lone surrogates."""
    return text.decode("utf-8", "surrogateescape")


def read_row(conn: sqlite3.Connection, table: str, columns: tuple[str, ...], number: int) -> dict[str, Any] | None:
    """Return one row by rowid, its id under rowid, or None when it cannot be read.

    Texts come as str (undecodable bytes as lone surrogates), binary values as bytes.
    """
    names = [name for name in columns if name in TYPES[table]]
    by_id = table == "Image" and "Id" in columns
    selected = ", ".join(map(quoted, [*names, "Id"] if by_id else names))
    factory, conn.text_factory = conn.text_factory, decode
    try:
        sql = f"SELECT {selected} FROM {quoted(table)} WHERE rowid = ?"  # noqa: S608
        found = conn.execute(sql, (number,)).fetchone()
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        return None
    finally:
        conn.text_factory = factory
    if found is None:
        return None
    return {"rowid": _id(found[-1], number) if by_id else number, **dict(zip(names, found, strict=False))}


def _id(value: Any, rowid: int) -> int:
    """Return the Id by which other tables know a row; the rowid where the value is no number of 64 bits."""
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return rowid
    return number if number == value or (isinstance(value, str) and number in _INT64) else rowid


def repair_row(table: str, row: Mapping[str, Any]) -> RepairedRow:
    """Return what is written of a row, with notes of all that is not written as it was."""
    result = RepairedRow({"rowid": row["rowid"], **dict.fromkeys(TYPES[table])})
    for name, kind in TYPES[table].items():
        as_typed: Callable[[RepairedRow, str, Any], Any] = (
            _text if kind == pa.string() else _float if kind == pa.float64() else _integer
        )
        result.values[name] = as_typed(result, name, row.get(name))
    if table == "Image":
        return _repair_image(result)
    if table in NAMED:
        _shorten_name(result)
    return result


def recovered_row(table: str, number: int, values: Mapping[str, Any], columns: tuple[str, ...]) -> RepairedRow:
    """Return what is written of a row whose page is damaged.

    Args:
        values: what the indexes know of it.
        columns: of the table.
    """
    texts = {name: decode(value) if isinstance(value, bytes) else value for name, value in values.items()}
    essential = {"Path"} if "Path" in TYPES[table] else set(TYPES[table]) - _INESSENTIAL
    if not essential <= set(texts):
        return RepairedRow({"rowid": number}).refuse(DAMAGED)
    row = repair_row(table, {**texts, "rowid": number})
    if not row.is_refused:
        missing = sorted((set(columns) & set(TYPES[table])) - set(texts))
        row.note(f"{DAMAGED}: recovered from the indexes" + (f", without {', '.join(missing)}" if missing else ""))
    return row


def _shorten_name(row: RepairedRow) -> None:
    name = row.values["Name"]
    if isinstance(name, str) and len(to_db(name).encode()) > LONGEST_NAME:
        mark = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:8]
        row.values["Name"] = f"{name[:_SHORT_NAME]}... {mark}"
        row.repair(f"has {len(name)} characters, written by its begin", "Name", name)


def _repair_image(row: RepairedRow) -> RepairedRow:
    values = row.values
    path, name = values["Path"], values["FileName"]
    file_name = split_path(path or "")[1]
    if not file_name:
        return row.refuse("its path names no file" if path else "has no path", "Path", "FolderId")
    if len(to_db(file_name).encode()) > LONGEST_NAME:
        reason = f"its file name has {len(file_name)} characters, which no file can have"
        return row.refuse(reason, "Path", "FolderId")
    if name and not path.endswith(name):
        row.repair("is stale, taken from Path", "FileName", name)
    if values["Workflow"] and not (values["Prompt"] or "").strip():
        _derive(row)
    _limit_values(row)
    _check_dates(row)
    if values["Seed"] is not None and values["Seed"] not in _INT64:
        values["Seed"], values["IsUnsigned"] = values["Seed"] - 2**64, 1
    return row


def _limit_values(row: RepairedRow) -> None:
    """Note values out of their range, and write what goes for them."""
    values = row.values
    prompt, rating = values["Prompt"], values["Rating"]
    is_blank = prompt is not None and len(prompt) <= _LONGEST_BLANK and not prompt.strip(_BLANK)
    if is_blank and not (values["Steps"] or values["Seed"] or values["Sampler"]):
        row.note("Prompt: is blank and nothing else is known, written as no prompt", "Prompt")
        values["Prompt"] = None
    if not _is_in_range(values, "Rating"):
        row.note(f"Rating: is not 1 to 10, {'written as 10' if rating > 10 else 'left out'}", "Rating")
        values["Rating"] = 10 if rating > 10 else None
    if not all(_is_in_range(values, flag) for flag in _FLAGS):
        row.note("a flag is neither 0 nor 1, written as true", *_FLAGS)
    if not _is_in_range(values, "Type"):
        row.note("Type: is neither 0 nor 1, written as an image", "Type")
        values["Type"] = 0
    for reason, columns, _ in _LIMITS:
        bad = [name for name in columns if not _is_in_range(values, name)]
        if bad:
            row.note(reason, *columns)
            values.update(dict.fromkeys(bad))
    if values["FileSize"] is None or values["FileSize"] < 0:
        row.note("FileSize: is not known, written as 0", "FileSize")
        values["FileSize"] = 0


def _is_in_range(values: Mapping[str, Any], name: str) -> bool:
    low, high = RANGES[name]
    return values[name] is None or low <= values[name] <= high


def _check_dates(row: RepairedRow) -> None:
    """Note dates that are none; their ticks stay, for the way back."""
    values = row.values
    if values["CreatedDate"] is None or not is_date(values["CreatedDate"]):
        is_modified_known = values["ModifiedDate"] is not None and is_date(values["ModifiedDate"])
        instead = "ModifiedDate taken" if is_modified_known else "written as 1970"
        row.note(f"CreatedDate: is no date, {instead}", "CreatedDate")
    if any(values[name] and not is_date(values[name]) for name in _OTHER_DATES):
        row.note("a date is out of range, left out", *_OTHER_DATES)


def _text(result: RepairedRow, column: str, value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bytes):
        result.repair("was stored as binary, written as text", column, value)
        return decode(value)
    if not isinstance(value, str):
        result.repair("was stored as a number, written as text", column, value)
        return str(value)
    if "\x00" in value:
        result.repair("holds NUL, kept in escaped form", column, value.encode("utf-8", "surrogateescape"))
    elif any("\ud800" <= c <= "\udfff" for c in value):
        original = value.encode("utf-8", "surrogateescape")
        result.repair("is not valid UTF-8, kept in escaped form", column, original)
    return value


def _integer(result: RepairedRow, column: str, value: Any) -> int | None:
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, float):
        if value.is_integer() and abs(value) < 2**53:
            result.repair("was stored as a fraction, written as a whole number", column, value)
            return int(value)
        result.repair("is no whole number of 64 bits, left out", column, value)
        return None
    text = decode(value) if isinstance(value, bytes) else str(value)
    if column in _FLAGS and text.strip().lower() in _WORDS:
        result.repair("was stored as text, written as a flag", column, value)
        return _WORDS[text.strip().lower()]
    try:
        number = int(text.strip())
    except ValueError:
        result.repair("is no number, left out", column, value)
        return None
    if number not in _INT64:
        result.repair("is no whole number of 64 bits, left out", column, value)
        return None
    result.repair("was stored as text, written as a number", column, value)
    return number


def _float(result: RepairedRow, column: str, value: Any) -> float | None:
    if isinstance(value, str | bytes):
        text = decode(value) if isinstance(value, bytes) else value
        try:
            number = float(text.strip())
        except ValueError:
            result.repair("is no number, left out", column, value)
            return None
        result.repair("was stored as text, written as a number", column, value)
    elif value is None:
        return None
    else:
        number = float(value)
    if not math.isfinite(number):
        result.repair("is not finite, left out", column, value)
        return None
    return number


def chunk_key(workflow: str) -> str:
    """Return the name under which ComfyUI writes such a graph: ``workflow`` for the editor's, else ``prompt``."""
    return "workflow" if '"nodes"' in workflow and '"links"' in workflow else "prompt"


def _derive(result: RepairedRow) -> None:
    """Fill what is missing from the graph in Workflow."""
    workflow = result.values["Workflow"]
    width, height = result.values["Width"], result.values["Height"]
    name = re.split(r"[/\\]", str(result.values.get("Path") or ""))[-1] or None
    try:
        dialect, found = derive([RawChunk("png", chunk_key(workflow), workflow)], width, height, name)
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError):
        return
    if dialect is None:
        return
    result.values["Dialect"], result.values["Scheduler"] = dialect, found.scheduler
    filled = _fill(result.values, found)
    if filled:
        result.notes.append(("repaired", f"{', '.join(sorted(filled))}: derived from Workflow", filled))


def _fill(values: dict[str, Any], found: GenerationParameters) -> dict[str, Any]:
    """Write found parameters where the row has none; return what stood there."""
    filled: dict[str, Any] = {}

    def take(column: str, new: Any, is_missing: bool) -> None:
        if new is not None and is_missing and new != values[column]:
            filled[column] = values[column]
            values[column] = new

    take("Prompt", found.prompt, True)
    take("NegativePrompt", found.negative_prompt, not (values["NegativePrompt"] or "").strip())
    for column, name in _DERIVED.items():
        take(column, getattr(found, name), not values[column])
    return filled


def note_json(original: dict[str, Any]) -> str:
    """Return the original values of a note as JSON that PostgreSQL takes: ASCII, so that surrogates stay escapes."""
    return json.dumps({key: _short(_jsonable(value)) for key, value in original.items()}, ensure_ascii=True)


def _jsonable(value: Any) -> Any:
    """Return a value of SQLite in a form that JSON carries exactly; text that jsonb refuses as its bytes, in hex."""
    if isinstance(value, bytes):
        return {"blob": value.hex()}
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if isinstance(value, str) and ("\x00" in value or any("\ud800" <= c <= "\udfff" for c in value)):
        return {"text": value.encode("utf-8", "surrogateescape").hex()}
    return value


def _short(value: Any) -> Any:
    """Return a text, or the hexadecimal of one, by its begin, length and digest where it is long: jsonb has a limit."""
    if isinstance(value, dict):
        return {key: _short(inner) for key, inner in value.items()}
    if not isinstance(value, str) or len(value) <= _LONGEST_ORIGINAL:
        return value
    digest = hashlib.sha256(value.encode()).hexdigest()
    return {"begin": value[:_LONGEST_ORIGINAL], "length": len(value), "sha256": digest}
