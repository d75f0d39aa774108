"""Repairing rows that are not what the schema promises: a value is converted, or left out, and noted."""

from __future__ import annotations

import hashlib
import json
import math
import re
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dtk_tui.domain.parameters import GenerationParameters, RawChunk
from dtk_tui.metadata.reader import derive
from dtk_tui.services.diffusion_toolkit.read import csv_select
from dtk_tui.services.diffusion_toolkit.source.sqlite import quoted

_INT64 = range(-(2**63), 2**63)
_BOOLEANS = frozenset({"Favorite", "ForDeletion", "NSFW", "Unavailable", "NoMetadata", "HasError"})
_WORDS = {"true": 1, "yes": 1, "1": 1, "false": 0, "no": 0, "0": 0, "": 0}
#: Characters of what the source said that a note holds.
_LONGEST_ORIGINAL = 100_000
_DERIVED_TEXTS = {"Sampler": "sampler", "Model": "model", "ModelHash": "model_hash"}
_DERIVED_NUMBERS = {"Steps": "steps", "CFGScale": "cfg_scale", "Seed": "seed"}


@dataclass(slots=True)
class RepairedRow:
    """A repaired row: ``values`` by column of Diffusion Toolkit, ``notes`` as (reason, {column: original})."""

    values: dict[str, Any]
    notes: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    dialect: str | None = None
    scheduler: str | None = None

    def repair(self, reason: str, column: str, original: Any) -> None:
        """Note that a value is not written as it was."""
        self.notes.append((f"{column}: {reason}", {column: plain(original)}))


def plain(value: Any) -> Any:
    """Return a value of SQLite in a form that JSON can carry exactly."""
    if isinstance(value, bytes):
        return {"blob": value.hex()}
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    return value


def decode(text: bytes) -> str:
    """Return a text of the source; undecodable bytes become lone surrogates."""
    return text.decode("utf-8", "surrogateescape")


def read_row(conn: sqlite3.Connection, columns: tuple[str, ...], number: int) -> dict[str, Any] | None:
    """Return one image by rowid, or None when it cannot be read.

    Texts come as str (undecodable bytes as lone surrogates), binary values as bytes.
    """
    try:
        values = select_row(conn, "Image", [column for column in columns if column in csv_select.ALL], number)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        return None
    return None if values is None else {**values, "Id": _id(values.get("Id"), number)}


def select_row(conn: sqlite3.Connection, table: str, names: Sequence[str], number: int) -> dict[str, Any] | None:
    """Return some columns of a row by rowid, or None when it is not there; values as ``read_row`` gives them."""
    factory, conn.text_factory = conn.text_factory, decode
    try:
        sql = f"SELECT {', '.join(map(quoted, names))} FROM {quoted(table)} WHERE rowid = ?"  # noqa: S608
        found = conn.execute(sql, (number,)).fetchone()
    finally:
        conn.text_factory = factory
    return dict(zip(names, found, strict=True)) if found else None


def _id(value: Any, rowid: int) -> int:
    """Return the Id by which other tables know a row; the rowid where the value is no number of 64 bits."""
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return rowid
    return number if number == value or (isinstance(value, str) and number in _INT64) else rowid


def repair_row(row: Mapping[str, Any]) -> RepairedRow:
    """Return what is written of a row, with notes of all that is not written as it was."""
    result = RepairedRow({name: row.get(name) for name in csv_select.ALL})
    for name in (*csv_select.TEXTS, *csv_select.SHARED, "FileName"):
        result.values[name] = _text(result, name, row.get(name))
    for name in csv_select.INTEGERS:
        result.values[name] = _integer(result, name, row.get(name))
    for name in csv_select.FLOATS:
        result.values[name] = _float(result, name, row.get(name))
    path, name = result.values["Path"], result.values["FileName"]
    if path and name and not path.endswith(name):
        result.repair("is stale, taken from Path", "FileName", name)
    if result.values["Workflow"] and not (result.values["Prompt"] or "").strip():
        _derive(result)
    return result


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
    if column in _BOOLEANS and text.strip().lower() in _WORDS:
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
    result.dialect, result.scheduler = dialect, found.scheduler
    filled = _fill(result.values, found)
    if filled:
        originals = {name: plain(old) for name, old in filled.items()}
        result.notes.append((f"{', '.join(sorted(filled))}: derived from Workflow", originals))


def _fill(values: dict[str, Any], found: GenerationParameters) -> dict[str, Any]:
    """Write found parameters where the row has none; return what stood there."""
    filled: dict[str, Any] = {}

    def take(column: str, new: Any, is_missing: bool) -> None:
        if new is not None and is_missing and new != values[column]:
            filled[column] = values[column]
            values[column] = new

    take("Prompt", found.prompt, True)
    take("NegativePrompt", found.negative_prompt, not (values["NegativePrompt"] or "").strip())
    for column, name in _DERIVED_TEXTS.items():
        take(column, getattr(found, name), not values[column])
    for column, name in _DERIVED_NUMBERS.items():
        take(column, getattr(found, name), not values[column])
    return filled


def note_json(original: dict[str, Any]) -> str:
    """Return the original values of a note as JSON that PostgreSQL takes: ASCII, so that surrogates stay escapes."""
    return json.dumps({key: _short(_jsonable(value)) for key, value in original.items()}, ensure_ascii=True)


def _jsonable(value: Any) -> Any:
    """Return text that jsonb refuses (NUL, lone surrogates) as its bytes in hexadecimal."""
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


def repair_value(result: RepairedRow, column: str, value: Any, is_number: bool) -> Any:
    """Return a value of another table as it is written, noting in ``result`` what is not as it was."""
    return _integer(result, column, value) if is_number else _text(result, column, value)
