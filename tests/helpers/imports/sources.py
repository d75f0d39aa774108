"""Small databases of Diffusion Toolkit, image by image."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from dtk_tui.services.diffusion_toolkit import schema

USUAL: dict[str, Any] = {
    "Prompt": "a red fox", "CreatedDate": 638085024001234567, "FileSize": 1234, "Favorite": 0, "ForDeletion": 0,
    "NSFW": 0, "Unavailable": 0, "NoMetadata": 0, "HasError": 0, "Type": 0, "Width": 512, "Height": 512, "Steps": 20,
    "Seed": 5, "CFGScale": 7.0,
}  # fmt: skip


def write_source(path: Path, images: list[dict[str, Any]]) -> None:
    """Write a database of Diffusion Toolkit with these images."""
    conn = sqlite3.connect(path)
    for statement in schema.TABLES:
        conn.execute(statement)
    for number, values in enumerate(images, start=1):
        given = {"Id": number, "RootFolderId": 0, "FolderId": 1, **USUAL, **values}
        given.setdefault("FileName", (given["Path"] or "").replace("\\", "/").rpartition("/")[2])
        names = ", ".join(f'"{name}"' for name in given)
        marks = ", ".join("?" * len(given))
        conn.execute(f"INSERT INTO Image ({names}) VALUES ({marks})", list(given.values()))
    conn.commit()
    conn.close()


def rebuild_image_table(source: Path, declaration: str, end: str = "") -> None:
    """Rebuild the table of images, as a program of another kind might, with Ids that are not its rowids."""
    conn = sqlite3.connect(source)
    names = [row[1] for row in conn.execute("PRAGMA table_info(Image)")]
    rest = ", ".join(f'"{name}"' for name in names if name != "Id")
    conn.execute("PRAGMA legacy_alter_table = on")
    conn.execute(f'CREATE TABLE other ("Id" {declaration}, {rest}) {end}')
    conn.execute(f"INSERT INTO other (Id, {rest}) SELECT Id * 10, {rest} FROM Image")
    conn.execute("DROP TABLE Image")
    conn.execute("ALTER TABLE other RENAME TO Image")
    conn.execute("INSERT INTO Album (Id, Name) VALUES (1, 'an album')")
    conn.execute("INSERT INTO AlbumImage (AlbumId, ImageId) VALUES (1, 30)")
    conn.commit()
    conn.close()
