"""What was chosen of how the app looks, in a file that may be anything."""

from __future__ import annotations

import os
from pathlib import Path

from dtk_tui.services.view_state import ViewState


def test_a_pipe_in_place_of_the_file_is_not_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "view.json"
    os.mkfifo(file)
    state = ViewState(file)
    assert state.value("grid") is None
    state.keep(grid=1)
    assert ViewState(file).number("grid") == 1
