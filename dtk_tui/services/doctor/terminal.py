"""The terminal: what it can draw. Nothing is asked, or said, where there is none."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from dtk_tui.config import Config
from dtk_tui.services.doctor.finding import Finding, Verdict
from dtk_tui.terminal_report import TerminalReport, terminal_report
from dtk_tui.text import one_line

_WAYS = {
    "kitty": "Kitty's protocol",
    "sixel": "Sixel",
    "halfblock": "half-blocks",
    "text": "words",
    "off": "nothing",
}
_LEAST = (80, 24)


def terminal(config: Config) -> Iterator[Finding]:
    """Ask the terminal what it can draw, how large it is, and whether it takes more than ASCII."""
    report = terminal_report()
    if report is None:
        return
    yield pictures(report, config.settings.preview.protocol)
    columns, lines = report.size
    if columns < _LEAST[0] or lines < _LEAST[1]:
        detail = f"{columns} x {lines} cells; the app is made for {_LEAST[0]} x {_LEAST[1]} and more"
        yield Finding("terminal", Verdict.NOTE, detail, "Make the window larger, or its letters smaller.")
    encoding = (sys.stdout.encoding or "ascii").lower().replace("-", "")
    if encoding != "utf8":
        advice = "Set a UTF-8 locale before dtk: export LC_ALL=C.UTF-8"
        yield Finding("terminal", Verdict.NOTE, f"its encoding is {encoding}: signs become question marks", advice)


def pictures(report: TerminalReport, wanted: str) -> Finding:
    """Say how pictures are drawn, and what would draw them better.

    Args:
        wanted: ``[preview] protocol``.
    """
    name = one_line(report.name, 60) or "a terminal without a name"
    if report.multiplexer:
        passthrough = f", passthrough {report.passthrough}" if report.passthrough else ""
        # tmux answers by its own name, screen and zellij by none or by that of the terminal around them.
        inside = name if name.startswith(report.multiplexer) else report.multiplexer
        name = f"{inside}{passthrough}"
    if not report.answers:
        name += " that does not answer"
    way = report.protocol if wanted == "auto" else wanted
    chosen = "" if wanted == "auto" else f" ([preview] protocol; auto is {_WAYS[report.protocol]})"
    is_poor = way == "halfblock" and not report.true_color
    detail = f"{name}: pictures by {_WAYS[way]}{chosen}{', without true colours' if is_poor else ''}"
    if way in ("kitty", "sixel") or wanted != "auto":
        return Finding("terminal", Verdict.OK, detail)
    if report.multiplexer:
        advice = "Pictures are sharper outside of it, or in tmux 3.4 with Sixel in a terminal that has it."
    elif report.knows_kitty:
        advice = "It speaks Kitty's protocol without placeholders; kitty 0.28 and Ghostty have them, or use Sixel."
    else:
        advice = "Pictures are sharper in kitty, Ghostty, WezTerm, foot or another one with Sixel."
    if is_poor:
        advice += " If it has true colours: export COLORTERM=truecolor"
    return Finding("terminal", Verdict.NOTE, detail, advice)
