"""Rows that give their places to images that moved: what referred to them goes with them, by few statements."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from dtk_tui.domain.parameters import FileReading, GenerationParameters
from dtk_tui.store.copy.rows import reading_row
from dtk_tui.store.database import Database
from dtk_tui.store.library import folders
from dtk_tui.store.scan import listings, moves, staging


def test_every_row_of_an_image_goes_with_it(db: Database) -> None:
    """A fresh row is deleted without the look-ups of foreign keys, so all of them must be of the kind that is known."""
    with db.connection() as conn:
        references = conn.execute(
            "SELECT conrelid::regclass::text, confdeltype, cardinality(conkey) FROM pg_constraint"
            " WHERE confrelid = 'image'::regclass AND conparentid = 0"
        ).fetchall()
        assert {row[1:] for row in references} == {("c", 1)}
        assert len(conn.execute(moves._REFERENCES_TO_IMAGES).fetchall()) == len(references) > 8


def test_what_refers_to_a_fresh_row_is_deleted_with_it(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    amount = 300
    with db.connection() as conn:
        folder_id = folders.add_root(conn, "/pictures")
        names = [f"{number}.png" for number in range(2 * amount)]
        listings.add_files(conn, {folder_id: [(name, 7, number) for number, name in enumerate(names)]})
        ids = [number for (number,) in conn.execute("SELECT id FROM image ORDER BY mtime_ns")]
        known, fresh = ids[:amount], ids[amount:]
        conn.execute(
            "UPDATE image SET scan_phase = 1, fingerprint = sha256(int8send(id)) WHERE id = ANY (%s)", (known,)
        )
        conn.execute("INSERT INTO job (kind, image_id) SELECT 1, id FROM image")
        conn.execute("INSERT INTO image_hash (image_id, fingerprint) SELECT id, '' FROM image")
        conn.execute("INSERT INTO node (image_id, node_id, name) SELECT id, 1, 'n' FROM image")
        conn.execute("UPDATE image SET first_name = 'before.png' WHERE id = %s", (known[0],))
    statements = 0
    original = psycopg.Connection.execute

    def execute(*args: Any, **kwargs: Any) -> Any:
        nonlocal statements
        statements += 1
        return original(*args, **kwargs)

    with db.connection() as conn:
        reading = FileReading("PNG", 8, 8, None, GenerationParameters(), (), bytes(16), 7, 1)
        staging.stage(conn, [reading_row(number, reading) for number in fresh], {})
        with monkeypatch.context() as patch:
            patch.setattr(psycopg.Connection, "execute", execute)
            moves.move(conn, dict(zip(known, fresh, strict=True)), set(fresh), set())
        assert statements < 40, "as many as there are tables, however many rows there are"
        rows = conn.execute("SELECT id, file_name, mtime_ns, first_name FROM image ORDER BY id").fetchall()
        first = ["before.png", *names[1:amount]]
        assert rows == [(known[i], names[amount + i], amount + i, first[i]) for i in range(amount)]
        for table in ("job", "image_hash", "node"):
            found = conn.execute(f"SELECT image_id FROM {table} ORDER BY image_id")  # type: ignore[arg-type]
            assert [number for (number,) in found] == known
        assert {v[0] for v in conn.execute("SELECT id FROM scan_reading")} == set(known)
        assert conn.execute("SELECT current_setting('session_replication_role')").fetchone() == ("origin",)
