#!/usr/bin/env bash
# Surprise: in Textual a Static that is updated twice can keep the height of its first text for good.
# Packages: textual 8.2.8, rich 15.0.0
# Guess:    Static.update() lays out anew (layout=True is its default), so that `height: auto` fits the last text.
# Really:   the measured box is kept under a number that grows with a request for layout, but not while another request
#           of the same widget is pending. If the screen is laid out between two updates, for whatever other reason, the
#           box of the first text is kept under the number that holds for the second one, too: two lines of text stand
#           in one, until the width changes or a third update comes.
# Matters:  "Stopping..." followed by a sentence of two lines, on a busy machine: the end of the sentence, which says
#           what to do, is not on the screen.
# Remedy:   after each layout of the screen, count up the number of the widgets whose request is still pending.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3.11}" -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check --only-binary=:all: \
    textual==8.2.8 rich==15.0.0
cd "$work"
venv/bin/python - <<'PY'
import asyncio
import sys
from importlib.metadata import version

from textual.app import App, ComposeResult
from textual.geometry import Size
from textual.screen import Screen
from textual.widgets import Static

LAST = "The work was stopped. All is as it was. Press r to go on with what was read."


class Remedied(Screen[None]):
    def _refresh_layout(self, size: Size | None = None, scroll: bool = False) -> None:
        super()._refresh_layout(size, scroll)
        for widget in self._compositor.widgets:
            if widget._layout_required:
                widget._layout_updates += 1


class Notes(App[None]):
    CSS = "#above { height: 1fr } #note { height: auto }"

    def __init__(self, kind: type[Screen[None]]) -> None:
        super().__init__()
        self.kind = kind

    def get_default_screen(self) -> Screen[None]:
        return self.kind()

    def compose(self) -> ComposeResult:
        yield Static("above", id="above")
        yield Static("At work", id="note")


async def height(kind: type[Screen[None]], is_laid_out_between: bool) -> int:
    app = Notes(kind)
    async with app.run_test(size=(40, 8)) as pilot:
        await pilot.pause(0.3)
        note = app.screen.query_one("#note", Static)
        note.update("Stopping")
        if is_laid_out_between:  # as it happens where another widget asked for it
            app.screen._clear_arrangement_cache()
            app.screen._refresh_layout()
        note.update(LAST)
        await pilot.pause(0.5)
        return note.size.height


print(f"textual {version('textual')}; a text of {len(LAST)} cells at a width of 40")
expected = {(Screen, False): 2, (Screen, True): 1, (Remedied, True): 2}
for (kind, between), lines in expected.items():
    found = asyncio.run(height(kind, between))
    print(f"{kind.__name__}, laid out between two updates: {between}: {found} of 2 lines")
    if found != lines:
        sys.exit(f"CHANGED: {lines} expected")
PY
