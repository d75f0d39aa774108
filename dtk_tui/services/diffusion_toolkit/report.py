"""The report of an import: its figures, its JSON form, and the file of its notes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dtk_tui.config import Config
from dtk_tui.domain.imports import ImportReport, TableCount, Verification
from dtk_tui.errors import DtkError
from dtk_tui.services.diffusion_toolkit.source.database import TABLES
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.diffusion_toolkit import merge, notes, records, staging
from dtk_tui.text import counted


def write_notes(db: Database, config: Config, migration_id: int) -> Path:
    """Write every repaired and refused row with its reason, one JSON object a line; return the file."""
    folder = config.paths.state / "migrations"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"migration-{migration_id}.jsonl"
        file.unlink(missing_ok=True)
        with file.open("x", encoding="utf-8") as stream, db.connection() as conn:
            for table, number, outcome, reason, original in notes.notes(conn, migration_id):
                row = {"table": table, "id": number, "outcome": outcome, "reason": reason, "original": original}
                stream.write(json.dumps(row) + "\n")
    except OSError as error:
        raise DtkError(
            "The migration is done, but its list of notes could not be written.",
            f"{error.strerror}: {folder}. Put this right, and --resume writes it.",
        ) from error
    return file


def count_rows(
    conn: Connection, report: ImportReport, import_id: int, is_all: bool, source_tables: Sequence[str]
) -> None:
    """Fill a report with what was read, what is in the library, what was noted, and whether these agree.

    Args:
        is_all: whether all images of the library were brought by this import.
    """
    report.migration_id = import_id
    report.representatives = merge.count_representatives(conn)
    read = staging.row_counts(conn)
    noted = notes.noted_rows(conn, import_id)
    for table in TABLES:
        if table not in source_tables:
            continue
        rows, lost = read.get(table, (0, 0))
        refused = noted.get((table, "refused"), 0)
        report.tables[table] = TableCount(rows, rows - refused, noted.get((table, "repaired"), 0), refused, lost)
    for table, written in records.written_counts(conn, import_id, is_all).items():
        if table in report.tables:
            report.verification.counts[table] = (report.tables[table].written, written)
    report.reasons = {(t, o, r): count for t, o, r, count in notes.note_counts(conn, import_id)}


def report_json(report: ImportReport) -> dict[str, Any]:
    """Return a report as JSON, with the keys of ``dtk migrate --json``."""
    return {
        "tables": {
            name: {"read": t.read, "written": t.written, "repaired": t.repaired, "refused": t.refused}
            for name, t in report.tables.items()
        },
        "seconds": report.seconds,
        "steps": report.steps,
        "migration": report.migration_id,
        "merged": report.merged,
        "representatives": report.representatives,
        "reasons": [{"table": t, "outcome": o, "reason": r, "rows": n} for (t, o, r), n in report.reasons.items()],
        "verification": {
            "good": report.verification.is_good,
            "compared": report.verification.compared,
            "differing": report.verification.differing,
            "counts": {name: {"want": a, "have": b} for name, (a, b) in report.verification.counts.items()},
        },
        "notes_file": report.notes_file,
        "time_zone": report.zone,
        "dry_run": report.dry_run,
    }


def report_from_json(kept: dict[str, Any]) -> ImportReport:
    """Return the report of an import that is done, from what its record keeps of ``report_json``."""
    check = kept["verification"]
    return ImportReport(
        tables={name: TableCount(**kept["tables"][name]) for name in TABLES if name in kept["tables"]},
        reasons={(r["table"], r["outcome"], r["reason"]): r["rows"] for r in kept["reasons"]},
        verification=Verification(
            check["compared"], check["differing"], {name: (n["want"], n["have"]) for name, n in check["counts"].items()}
        ),
        migration_id=kept["migration"],
        merged=kept["merged"],
        representatives=kept["representatives"],
        seconds=kept["seconds"],
        steps=kept["steps"],
        zone=kept["time_zone"],
    )


def equality_message(report: ImportReport) -> str:
    """Return the sentence for a person that says that all images compared are equal, or that there were none."""
    compared = report.verification.compared
    others = max(report.tables["Image"].written - compared, 0) if "Image" in report.tables else 0
    if not compared and others:
        why = "was merged or has a note" if report.merged else "has a note"
        return f"Each of {counted(others, 'image')} {why}: none is compared with the source."
    words = f"{counted(compared, 'image')} compared with the source, all equal"
    if not others:
        return f"{words}."
    if report.merged:
        return f"{words}; {others:,} more were merged or have a note."
    return f"{words}; {others:,} more {'has' if others == 1 else 'have'} a note."
