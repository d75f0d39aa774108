"""A row of pictures in the terminal."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from dtk_tui.cli.query import pictures
from dtk_tui.config import Config
from dtk_tui.domain.library import Hit, ImageRow
from dtk_tui.errors import UsageError
from dtk_tui.settings import PreviewSettings, Settings
from tests.helpers.running_app import write_picture


@pytest.mark.parametrize("protocol", ["halfblock", "text", "sixel", "kitty", "off"])
def test_as_many_are_shown_as_fit(
    config: Config,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    protocol: str,
) -> None:
    found = []
    for number in range(5):
        path = tmp_path / f"{number}[red].png"
        write_picture(path, None, seed=number)
        row = ImageRow(100 + number, 1, f"{number}[red]\x1b.png", 1, datetime.now(UTC))
        found.append((Hit(row.id), row, str(path)))
    Path(found[1][2]).write_bytes(b"no picture")
    settings = Settings(preview=PreviewSettings(protocol=protocol))
    monkeypatch.setattr(pictures, "terminal_width", lambda stream: 70)
    pictures.print_row(Config(config.paths, settings), found)
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
        pictures.print_row(config, [])
