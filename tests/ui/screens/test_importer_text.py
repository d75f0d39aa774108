"""What the screen of an import writes, on a narrow screen."""

from __future__ import annotations

from dtk_tui.domain.events import ImportProgressed
from dtk_tui.domain.imports import ImportReport, TableCount
from dtk_tui.ui.screens.importer_text import progress_words, report_words

#: 60 columns but for the margins.
_ROOM = 58
_MANY = 1_000_000


def test_a_report_of_a_million_images_has_a_line_a_table() -> None:
    report = ImportReport({"NodeProperty": TableCount(_MANY, _MANY - 1, _MANY, 1), "Tag": TableCount(6, 6)})
    heads, first, second, *_ = report_words(report).plain.split("\n")
    assert heads.split() == ["table", "read", "written", "repaired", "refused"]
    assert first.split() == ["NodeProperty", "1,000,000", "999,999", "1,000,000", "1"]
    assert len(heads) == len(first) == len(second) <= _ROOM


def test_the_progress_of_a_million_rows_has_a_line_a_table() -> None:
    news = ImportProgressed(step="reading", tables=(("NodeProperty", _MANY, _MANY), ("Tag", 0, 6)), rate=20_000.0)
    lines = progress_words(news, 3.0, ["reading"], news).plain.split("\n")[:2]
    assert lines[0].endswith("1,000,000 of 1,000,000")
    assert lines[1].endswith("        0 of 6")
    assert max(map(len, lines)) <= _ROOM
