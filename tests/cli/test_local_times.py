"""Times that commands show are those of the clock of this host, whatever zone the database has."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from dtk_tui.cli.application import application
from dtk_tui.store.database import Database
from tests.helpers.transcript import Transcript


@pytest.mark.parametrize("zone", ["<+14>-14"], indirect=True)
def test_captions_and_edits(
    dtk: Transcript, zone: None, pictures: Path, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "<+14>-14")
    image = str(pictures / "a" / "0.png")
    dtk.run("scan", str(pictures))
    dtk.run("caption", "set", image, "--text", "a castle on a hill")
    dtk.run("caption", "set", image, "--text", "a castle")
    with db.connection() as conn:
        conn.execute("UPDATE caption SET created_at = '2025-06-15 12:30:00+00'")
        conn.execute("UPDATE edit_journal SET made_at = '2025-06-15 12:30:00+00'")
    shown = CliRunner().invoke(application, ["caption", "show", image]).stdout
    assert shown.count("2025-06-16 02:30:00") == 2 and "2025-06-15" not in shown
    listed = CliRunner().invoke(application, ["journal", "list"]).stdout
    assert listed.count("2025-06-16 02:30:00") == 2 and "2025-06-15" not in listed
