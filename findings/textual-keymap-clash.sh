#!/usr/bin/env bash
# Surprise: Textual reports a key clash where there is none, and is silent when a remapped key takes another action's.
# Packages: textual 8.2.8, rich 15.0.0
# Guess:    App.handle_bindings_clash() is called when, after set_keymap(), two actions share a key, and only then.
# Really:   moving an action onto the key of another one that has an id and stays where it is makes the other one
#           unreachable without any report. It is reported only if the other binding has no id, or is named in the
#           keymap with its own key. An action with two keys that is moved to one free key is reported as a clash with
#           itself.
# Matters:  an app whose keys are configured by people: give every binding an id, as a keymap needs, and no loss of an
#           action is ever reported.
# Remedy:   compare the resulting keys oneself before set_keymap().
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

from textual.app import App
from textual.binding import Binding
from textual.dom import DOMNode


class Keys(App[None]):
    BINDINGS = [
        Binding("a", "note('open')", "Open", id="open"),
        Binding("b", "note('back')", "Back", id="back"),
        Binding("c,d", "note('copy')", "Copy", id="copy"),
        Binding("e", "note('edit')", "Edit"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.noted: list[str] = []
        self.clashes: set[str] = set()

    def action_note(self, name: str) -> None:
        self.noted.append(name)

    def handle_bindings_clash(self, clashed_bindings: set[Binding], node: DOMNode) -> None:
        self.clashes |= {binding.id or binding.description for binding in clashed_bindings}


async def press_all(keymap: dict[str, str]) -> tuple[str, str]:
    """Return the actions that a, b, c, d, e and z run ("-" for none), and what was reported as a clash."""
    app, ran = Keys(), []
    async with app.run_test() as pilot:
        app.set_keymap(keymap)
        for key in "abcdez":
            app.noted.clear()
            await pilot.press(key)
            await pilot.pause()
            ran.append("+".join(app.noted) or "-")
    return " ".join(ran), " ".join(sorted(app.clashes)) or "nothing"


def expect(keymap: dict[str, str], *known: str) -> None:
    seen = asyncio.run(press_all(keymap))
    print(f"{keymap}: a b c d e z run {seen[0]}; reported: {seen[1]}")
    if seen != known:
        sys.exit(f"CHANGED: it was {known}")


print("textual", version("textual"))
expect({}, "open back copy copy edit -", "nothing")
expect({"open": "b"}, "- open copy copy edit -", "nothing")
expect({"open": "b", "back": "b"}, "- open copy copy edit -", "back open")
expect({"open": "e"}, "- back copy copy open -", "Edit")
expect({"copy": "z"}, "open back - - edit copy", "copy")
PY
echo "as known"
