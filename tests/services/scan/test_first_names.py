"""The first name of a file tells which saver of a ComfyUI graph wrote it, whatever it is called later."""

from __future__ import annotations

import json
from pathlib import Path

from dtk_tui.config import Config
from dtk_tui.services.scan.reparse import reparse
from dtk_tui.services.scan.scanner import scan
from dtk_tui.store.database import Database
from tests.helpers.metadata import files
from tests.helpers.metadata.comfy_graphs import base, node


def _picture(seeds: tuple[int, int] = (42, 99)) -> bytes:
    graph = base(**{
        "9": node("SaveImage", filename_prefix="ledge", images=["8", 0]),
        "20": node("VAEDecode", samples=["21", 0], vae=["4", 2]),
        "22": node("SaveImage", filename_prefix="harbour", images=["20", 0]),
    })  # fmt: skip
    graph["21"] = node("KSampler", **(graph["3"]["inputs"] | {"seed": seeds[1]}))
    graph["3"]["inputs"]["seed"] = seeds[0]
    return files.png(files.text("prompt", json.dumps(graph)))


def _rows(db: Database) -> list[tuple[str, str | None, int | None]]:
    with db.connection() as conn:
        rows = conn.execute("SELECT file_name, first_name, seed FROM image WHERE NOT unavailable ORDER BY file_name")
        return [(v[0], v[1], None if v[2] is None else int(v[2])) for v in rows]


def test_a_rename_changes_no_values(db: Database, config: Config, tmp_path: Path) -> None:
    path = tmp_path / "library" / "harbour_00001_.png"
    path.parent.mkdir()
    path.write_bytes(_picture())
    folder = [str(path.parent)]
    scan(db, config, folder)
    assert _rows(db) == [("harbour_00001_.png", None, 99)]

    path = path.rename(path.with_name("best.png"))
    assert scan(db, config, folder)["moved"] == 1
    assert _rows(db) == [("best.png", "harbour_00001_.png", 99)]
    path = path.rename(path.with_name("ledge_00009_.png"))
    scan(db, config, folder)
    assert _rows(db) == [("ledge_00009_.png", "harbour_00001_.png", 99)]
    # What is read again, from the library or from the disk, is read by its first name.
    assert reparse(db, config)["updated"] == 0
    path.touch()
    scan(db, config, folder)
    assert _rows(db) == [("ledge_00009_.png", "harbour_00001_.png", 99)]

    # What is put over it is another file.
    path.write_bytes(_picture((43, 98)))
    scan(db, config, folder)
    assert _rows(db) == [("ledge_00009_.png", None, 43)]

    path = path.rename(path.with_name("x.png"))
    scan(db, config, folder)
    path.rename(path.with_name("ledge_00009_.png"))
    scan(db, config, folder)
    assert _rows(db) == [("ledge_00009_.png", None, 43)]


def test_names_that_were_exchanged(db: Database, config: Config, tmp_path: Path) -> None:
    first, second, between = (tmp_path / name for name in ("ledge_00001_.png", "harbour_00001_.png", "x"))
    first.write_bytes(_picture((1, 2)))
    second.write_bytes(_picture((3, 4)))
    scan(db, config, [str(tmp_path)])
    assert _rows(db) == [("harbour_00001_.png", None, 4), ("ledge_00001_.png", None, 1)]
    first.rename(between)
    second.rename(first)
    between.rename(second)
    scan(db, config, [str(tmp_path)])
    assert _rows(db) == [
        ("harbour_00001_.png", "ledge_00001_.png", 1), ("ledge_00001_.png", "harbour_00001_.png", 4),
    ]  # fmt: skip
