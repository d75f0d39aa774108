"""Steps that walks through the screens have in common."""

from __future__ import annotations

from pathlib import Path

from tests.helpers.golden import check
from tests.helpers.running_app import Running
from tests.helpers.screens import Screens

SNAPSHOTS = Path(__file__).parent.parent / "ui" / "__snapshots__"


async def whole_help(run: Running, screens: Screens, name: str) -> None:
    """Open the help, keep all of it, and close it."""
    before = run.app.screen
    await run.press("question_mark")
    await screens.step(f"help-{name}", "Keys")
    text = "\n".join(str(static.visual) for static in run.app.screen.query("Static"))  # type: ignore[attr-defined]
    check(SNAPSHOTS / f"help-{name}.txt", text)
    await run.press("escape")
    await run.until(lambda: run.app.screen is before)


async def close(run: Running, *keys: str) -> None:
    """Press keys that close what lies on top."""
    top = run.app.screen
    await run.press(*keys)
    await run.until(lambda: top not in run.app.screen_stack)
