"""A row of pictures in the terminal."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dtk_tui.cli.application import application
from dtk_tui.cli.query import pictures
from dtk_tui.config import Config
from dtk_tui.domain.library import ImageRow, PictureFile
from dtk_tui.errors import UsageError
from dtk_tui.services.scan import scanner
from dtk_tui.settings import PreviewSettings, Settings
from dtk_tui.store.database import Database
from tests.helpers.running_app import write_picture


@pytest.mark.parametrize("protocol", ["halfblock", "text", "sixel", "kitty", "off"])
def test_as_many_are_shown_as_fit(
    config: Config,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    protocol: str,
) -> None:
    found, files = [], {}
    for number in range(5):
        path = tmp_path / f"{number}[red].png"
        write_picture(path, None, seed=number)
        row = ImageRow(100 + number, 1, f"{number}[red]\x1b.png", 1, datetime.now(UTC))
        found.append(row)
        files[row.id] = PictureFile(str(path))
    Path(files[101].path).write_bytes(b"no picture")
    settings = Settings(preview=PreviewSettings(protocol=protocol))
    monkeypatch.setattr(pictures, "terminal_width", lambda stream: 70)
    pictures.print_row(Config(config.paths, settings), found, files)
    told = capsys.readouterr()
    *drawn, numbers, names = told.out.splitlines()
    assert numbers.split()[-2:] == ["101", "102"]
    assert "100" in numbers
    assert names.split() == ["0[red]\u241b.png", "1[red]\u241b.png", "2[red]\u241b.png"]
    assert len(drawn) >= {"off": 0, "sixel": 9}.get(protocol, 10)
    assert ("1[red].png cannot be shown" in told.err) is (protocol != "off")
    assert {"sixel": "\x1bP", "kitty": "\U0010eeee", "halfblock": "\u2580"}.get(protocol, "") in told.out


def test_a_pipe_gets_no_pictures(config: Config) -> None:
    with pytest.raises(UsageError, match="needs a terminal"):
        pictures.print_row(config, [], {})


def test_what_was_scanned_is_known_by_the_content_that_the_scan_saw(
    db: Database, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fingerprint takes reading the file, which need not be where there is a thumbnail."""
    write_picture(tmp_path / "pictures" / "a.png", "a castle")
    scanner.scan(db, config, [str(tmp_path / "pictures")])
    known = bytes(range(32))
    with db.connection() as conn:
        conn.execute("UPDATE image SET fingerprint = %s", (known,))
    monkeypatch.setattr(pictures, "terminal_width", lambda stream: 70)
    environ = {"HOME": str(tmp_path), "DTK_HOME": str(tmp_path / "home"), "DTK_DATABASE_URL": db.conninfo()}
    done = CliRunner().invoke(application, ["search", "castle", "--show"], env=environ)
    assert (done.exit_code, "a.png" in done.output) == (0, True), done.output
    kept = [path.name for path in config.paths.thumbnails.rglob("*.jpg")]
    assert [name.partition("-")[0] for name in kept] == [known.hex()]
