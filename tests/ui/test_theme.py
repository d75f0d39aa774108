"""Dark and light colours."""

from __future__ import annotations

from textual.color import Color

from dtk_tui.config import Config
from dtk_tui.services.view_state import ViewState
from dtk_tui.store.database import Database
from dtk_tui.ui.theme import DARK, LIGHT
from tests.helpers.running_app import NARROW, library_app


def contrast(front: str, back: str) -> float:
    """Return the ratio of WCAG 2.2, from 1 to 21."""
    light = sorted(_luminance(Color.parse(one)) for one in (front, back))
    return (light[1] + 0.05) / (light[0] + 0.05)


def _luminance(color: Color) -> float:
    parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in color.normalized]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def test_text_can_be_read_in_both() -> None:
    for theme in (DARK, LIGHT):
        names = theme.variables
        grounds = [str(theme.background), str(theme.panel), names["pane-focus"]]
        texts = [str(theme.foreground), str(theme.accent), str(theme.error), str(theme.warning), names["muted"]]
        for front in texts:
            for back in grounds:
                assert contrast(front, back) >= (4.5 if back == grounds[0] else 3.0), (theme.name, front, back)
        assert contrast(names["block-cursor-foreground"], names["block-cursor-background"]) >= 4.5
        assert contrast(names["pane-focus-text"], names["pane-focus"]) >= 7
        assert set(names) == set(DARK.variables)


async def test_light_colours_are_kept_for_the_next_session(db: Database, config: Config) -> None:
    async with library_app(db, config, NARROW) as run:
        assert run.app.theme == DARK.name
        await run.press("alt+t")
        await run.until(lambda: run.app.theme == LIGHT.name)
        await run.until(lambda: ViewState(config.paths.state / "view.json").value("theme") == LIGHT.name)
    async with library_app(db, config, NARROW) as run:
        assert run.app.theme == LIGHT.name
        await run.press("alt+t")
        await run.until(lambda: run.app.theme == DARK.name)


def test_an_unknown_theme_is_the_dark_one(config: Config) -> None:
    from dtk_tui.ui.commands.appearance import theme_of

    state = ViewState(config.paths.state / "view.json")
    state.keep(theme="nord")
    assert theme_of(state) is DARK
