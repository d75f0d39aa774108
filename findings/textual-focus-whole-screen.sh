#!/usr/bin/env bash
# Surprise: Textual sends the whole screen again whenever the focus moves.
# Packages: textual 8.2.8, rich 15.0.0
# Guess:    Tab repaints the two widgets whose look `:focus` changes; Textual keeps track of dirty regions for that.
# Really:   Screen.focused is a reactive that repaints, so that each move of the focus marks the screen itself as dirty.
#           The frame after it is a LayoutUpdate, which is every cell of the terminal, and not a ChopsUpdate.
# Matters:  over SSH a Tab at 200x50 sends as much as opening a screen does.
# Remedy:   a screen of one's own with `focused = Reactive(None, repaint=False)`: the widgets that look different are
#           marked by their styles.
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
from textual.reactive import Reactive
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, Static


class Quiet(Screen[None]):
    focused: Reactive[Widget | None] = Reactive(None, repaint=False)


class Form(App[None]):
    def __init__(self, kind: type[Screen[None]]) -> None:
        super().__init__()
        self.kind = kind
        self.frames: list[tuple[str, int]] = []

    def get_default_screen(self) -> Screen[None]:
        return self.kind()

    def compose(self) -> ComposeResult:
        yield Input("one")
        yield Input("two")
        yield Static("words " * 1000)

    def _display(self, screen: Screen[object], frame: object) -> None:
        if hasattr(frame, "render_segments"):
            self.frames.append((type(frame).__name__, len(frame.render_segments(self.console))))
        super()._display(screen, frame)


async def frames(kind: type[Screen[None]]) -> list[tuple[str, int]]:
    app = Form(kind)
    async with app.run_test(size=(200, 50)) as pilot:
        await pilot.pause(0.5)
        app.frames.clear()
        await pilot.press("tab")
        await pilot.pause(0.3)
        assert app.focused is app.query(Input)[1]
        return app.frames


print(f"textual {version('textual')}; Tab from one input to the next, 200x50")
found = {kind: asyncio.run(frames(kind)) for kind in (Screen, Quiet)}
for kind, sent in found.items():
    print(f"{kind.__name__}: " + ", ".join(f"{name} of {size} characters" for name, size in sent))
if "LayoutUpdate" not in dict(found[Screen]) or "LayoutUpdate" in dict(found[Quiet]):
    sys.exit("CHANGED")
if sum(size for _, size in found[Screen]) < 3 * sum(size for _, size in found[Quiet]):
    sys.exit("CHANGED: it sends no more")
PY
