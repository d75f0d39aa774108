"""Tables on terminals and in pipes."""

from __future__ import annotations

import pytest

from dtk_tui.cli import output
from dtk_tui.text import cell_width

ROWS = [(1, "/pictures/" + "very long name " * 12 + ".png", "cut\tshort\nhere"), (12345, "/p/\u5bab\u6bbf.png", "")]


def _table(capsys: pytest.CaptureFixture[str]) -> list[str]:
    output.print_table(("id", "path", "reason"), ROWS, right=frozenset({0}))
    return capsys.readouterr().out.splitlines()


def test_in_a_pipe_a_record_is_a_line_with_tabs(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [line.split("\t") for line in _table(capsys)]
    assert lines[0] == ["id", "path", "reason"]
    assert lines[1] == ["1", " ".join(ROWS[0][1].split()), "cut short here"]  # type: ignore[attr-defined]
    assert lines[2] == ["12345", "/p/\u5bab\u6bbf.png", ""]


@pytest.mark.parametrize("width", [40, 80, 300])
def test_on_a_terminal_a_table_fits(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setattr(output, "terminal_width", lambda stream: width)
    lines = _table(capsys)
    assert len(lines) == 3 and all(cell_width(line) <= width for line in lines)
    assert "cut sh" in lines[1], "a long path leaves room for what follows"
    assert "name .png  cut" in lines[1], "of a path the end is shown"
