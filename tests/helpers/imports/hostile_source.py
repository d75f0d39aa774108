"""A small database of Diffusion Toolkit with hostile texts in it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from dtk_tui.services.diffusion_toolkit import schema

HOSTILE = "a\x1b]52;c;aGk=\x07 [/x] [@click=app.quit]b[/] \u202edeb"


def write_hostile_source(path: Path, rows: int, folder: str = "D:\\AI\\outputs") -> Path:
    """Write a small database of Diffusion Toolkit with hostile texts in it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    conn = sqlite3.connect(path)
    for statement in schema.TABLES:
        conn.execute(statement)
    conn.executemany(
        "INSERT INTO Image (Path, FileName, Prompt, CreatedDate, Rating, FileSize) VALUES (?, ?, ?, ?, ?, 9)",
        [(f"{folder}\\{n % 3}\\{n}.png", f"{n}.png", HOSTILE, 638400000000000000, n % 11) for n in range(rows)],
    )
    conn.execute("INSERT INTO Image (Path, Prompt) VALUES (NULL, 'lost')")
    conn.execute(f"INSERT INTO Image (Path, Prompt, FileSize) VALUES ('E:\\{HOSTILE}\\x.png', 'x', 'many')")
    conn.commit()
    conn.close()
    return path
