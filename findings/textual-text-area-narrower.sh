#!/usr/bin/env bash
# Surprise: a Textual TextArea that becomes narrower shows words of its text no more, until something draws it again.
# Packages: textual 8.2.8, rich 15.0.0
# Guess:    a text area with soft wrapping shows all of its text at any width, as long as it is high enough.
# Really:   its lines are drawn at the new width while they are still wrapped for the old one, then they are wrapped anew,
#           and drawn anew only if that gives another number of lines. With as many lines as before, what no longer fits
#           into a line is missing at its end and does not stand in the next one, without any sign of it.
# Matters:  an editor beside another pane that opens or grows hides words of what is edited.
# Remedy:   refresh() after the lines were wrapped anew.
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
from textual.pilot import Pilot
from textual.widgets import TextArea

TEXT = "one two three four five six seven eight nine ten eleven twelve"


class Remedied(TextArea):
    def _rewrap_and_refresh_virtual_size(self) -> None:
        super()._rewrap_and_refresh_virtual_size()
        self.refresh()


class Editor(App[None]):
    CSS = "TextArea { width: 44; height: 6; border: none; padding: 0 }"

    def __init__(self, kind: type[TextArea]) -> None:
        super().__init__()
        self.kind = kind

    def compose(self) -> ComposeResult:
        yield self.kind(TEXT, compact=True, show_cursor=False)


async def shown(pilot: Pilot[None]) -> list[str]:
    """Return the lines on the screen that hold something."""
    await pilot.pause(0.5)
    lines = (line.text[:44].strip() for line in pilot.app.screen._compositor.render_strips())
    return [line for line in lines if line]


async def narrowed(kind: type[TextArea]) -> list[list[str]]:
    async with Editor(kind).run_test(size=(60, 8)) as pilot:
        wide = await shown(pilot)
        pilot.app.query_one(TextArea).styles.width = 36
        return [wide, await shown(pilot)]


print(f"textual {version('textual')}; a text area of 44 cells, then of 36")
for kind in (TextArea, Remedied):
    wide, narrow = asyncio.run(narrowed(kind))
    missing = sorted(set(TEXT.split()) - set(" ".join(narrow).split()))
    print(f"{kind.__name__}: {wide} -> {narrow}; not shown: {missing}")
    if set(" ".join(wide).split()) != set(TEXT.split()) or len(wide) != len(narrow):
        sys.exit("CHANGED: the text is wrapped into other lines")
    if bool(missing) != (kind is TextArea):
        sys.exit("CHANGED: all words are shown" if kind is TextArea else "CHANGED: the remedy is none")
PY
