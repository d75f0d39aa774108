#!/usr/bin/env bash
# Surprise: Alt with a digit never reaches a Textual app as alt+digit from a terminal without Kitty's keyboard protocol.
# Packages: textual 8.2.8, rich 15.0.0
# Guess:    terminals send Escape and the key for Alt and a key, Textual hears alt+a so, and alt+1 to alt+9 are free for
#           tabs and pages, as in many programs.
# Really:   the ten digits, "-" and "=" behind Escape are in its table of sequences as the signs that a Mac's Option key
#           writes: Alt+1 arrives as an inverted exclamation mark, Alt+5 as infinity, each a printable key. In a terminal
#           with Kitty's protocol the same binding works, so that its author may never see it fail.
# Matters:  bindings on alt+digit do nothing in xterm, GNOME Terminal, PuTTY and tmux, and in a field for text they type.
# Remedy:   take these entries out of textual._ansi_sequences.ANSI_SEQUENCES_KEYS before the app starts.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3.11}" -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check --only-binary=:all: \
    textual==8.2.8 rich==15.0.0
cd "$work"
venv/bin/python - <<'PY'
import sys
from importlib.metadata import version

from textual._xterm_parser import XTermParser


def heard(sent: str) -> tuple[str, str | None]:
    """Return name and character of the one key that is heard."""
    parser = XTermParser()
    (key,) = [*parser.feed(sent), *parser.feed("")]
    return key.key, key.character


print(f"textual {version('textual')}; Escape and a key, as terminals send Alt and that key:")
for sign in "a15-=":
    name, character = heard("\x1b" + sign)
    print(f"  Alt+{sign}  {name}, {character!r}")
print(f"  Alt+5 by Kitty's protocol  {heard(chr(27) + '[53;3u')[0]}")
if (heard("\x1ba")[0], heard("\x1b[53;3u")[0]) != ("alt+a", "alt+5"):
    sys.exit("CHANGED: Alt with a letter, or Kitty's Alt with a digit, is heard otherwise")
if any(heard("\x1b" + sign)[0].startswith("alt+") for sign in "0123456789-="):
    sys.exit("CHANGED: Alt with a digit is heard as such")
PY
