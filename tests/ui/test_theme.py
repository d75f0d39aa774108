"""Themes: what can be read in each, what is told without colours, and what moves."""

from __future__ import annotations

import pytest
from rich.style import Style
from textual.color import Color
from textual.theme import Theme
from textual.widgets import Input

from dtk_tui.config import Config
from dtk_tui.services.view_state import ViewState
from dtk_tui.settings import DisplaySettings, Settings
from dtk_tui.store.database import Database
from dtk_tui.ui.commands.appearance import theme_of
from dtk_tui.ui.drivers.late_answers import GroundTold
from dtk_tui.ui.textual_compat import FaultReportingApp
from dtk_tui.ui.theme import CONTRAST, DARK, LIGHT, SIXTEEN, THEMES, TITLES
from dtk_tui.ui.widgets.tables.image_table import ImageTable
from tests.helpers.running_app import NARROW, Running, library_app


def contrast(front: str, back: str) -> float:
    """Return the ratio of WCAG 2.2, from 1 to 21."""
    light = sorted(_luminance(Color.parse(one)) for one in (front, back))
    return (light[1] + 0.05) / (light[0] + 0.05)


def _luminance(color: Color) -> float:
    parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in color.normalized]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


@pytest.mark.parametrize(("theme", "best", "least"), [(DARK, 4.5, 3.0), (LIGHT, 4.5, 3.0), (CONTRAST, 7.0, 7.0)])
def test_text_can_be_read(theme: Theme, best: float, least: float) -> None:
    names = theme.variables
    grounds = [str(theme.background), str(theme.panel), names["pane-focus"]]
    texts = [str(theme.foreground), str(theme.accent), str(theme.error), str(theme.warning), names["muted"]]
    for front in texts:
        for back in grounds:
            assert contrast(front, back) >= (best if back == grounds[0] else least), (theme.name, front, back)
    for front, back in (("block-cursor-foreground", "block-cursor-background"), ("cursor-focus-text", "cursor-focus")):
        assert contrast(names[front], names[back]) >= best
    assert contrast(names["cursor-text"], names["cursor"]) >= best
    assert contrast(str(theme.warning), names["selected"]) >= least
    assert contrast(names["pane-focus-text"], names["pane-focus"]) >= 7


def test_all_themes_say_the_same_things() -> None:
    for theme in THEMES:
        assert set(DARK.variables) <= set(theme.variables)
        assert theme.name in TITLES
    asked = [str(value) for value in (SIXTEEN.primary, SIXTEEN.foreground, *SIXTEEN.variables.values())]
    assert [one for one in asked if not one.startswith("ansi_")] == ["bold"], "the terminal's own colours alone"


async def test_a_theme_is_kept_for_the_next_session(db: Database, config: Config) -> None:
    async with library_app(db, config, NARROW) as run:
        assert run.app.theme == DARK.name
        for theme in (LIGHT, CONTRAST):
            await run.press("alt+t")
            await run.until(lambda theme=theme: run.app.theme == theme.name)  # type: ignore[misc]
            await run.shows(TITLES[theme.name])
        await run.until(lambda: ViewState(config.paths.state / "view.json").value("theme") == CONTRAST.name)
    async with library_app(db, config, NARROW) as run:
        assert run.app.theme == CONTRAST.name
        for theme in (SIXTEEN, DARK):
            await run.press("alt+t")
            await run.until(lambda theme=theme: run.app.theme == theme.name)  # type: ignore[misc]
        await run.shows("As the terminal: dark.")
        await run.until(lambda: ViewState(config.paths.state / "view.json").value("theme") == "terminal")


@pytest.mark.parametrize(
    ("environ", "theme"),
    [
        ({"TERM": "xterm-256color"}, DARK),
        ({"TERM": "linux"}, SIXTEEN),
        ({"TERM": "xterm"}, SIXTEEN),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, DARK),
    ],
)
def test_an_unknown_theme_is_that_of_the_terminal(
    config: Config, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], theme: Theme
) -> None:
    monkeypatch.delenv("COLORTERM", raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    state, app = ViewState(config.paths.state / "view.json"), FaultReportingApp()
    for kept in (None, "terminal", "nord"):
        state.keep(theme=kept)
        assert theme_of(app, state) is theme
    app.has_light_ground = True
    assert theme_of(app, state) is (LIGHT if theme is DARK else SIXTEEN)
    for one in THEMES:
        state.keep(theme=one.name)
        assert theme_of(app, state) is one


async def test_without_a_choice_the_theme_is_that_of_the_ground(db: Database, config: Config) -> None:
    async with library_app(db, config, NARROW) as run:
        for is_light, theme in ((True, LIGHT), (False, DARK), (True, LIGHT)):
            run.app.post_message(GroundTold(is_light=is_light))
            await run.until(lambda theme=theme: run.app.theme == theme.name)  # type: ignore[misc]
        for title in ("High contrast.", "The terminal's 16 colours.", "As the terminal: light.", "Dark.", "Light."):
            await run.press("alt+t")
            await run.until(lambda title=title: title in run.told)  # type: ignore[misc]
            if title.startswith("As"):
                run.app.post_message(GroundTold(is_light=False))
                await run.until(lambda: run.app.theme == DARK.name)
        run.app.post_message(GroundTold(is_light=True))
        run.app.post_message(GroundTold(is_light=False))
        await run.until(lambda: not run.dtk.has_light_ground)
        assert run.app.theme == LIGHT.name, "a person chose it"


def _style_of(run: Running, word: str) -> Style:
    """Return how the first piece of text is drawn that has a word in it."""
    strips = run.app.screen._compositor.render_strips()
    return next(one.style or Style() for strip in strips for one in strip if word in one.text)


@pytest.mark.usefixtures("library")
async def test_without_colours_weight_tells_what_they_told(
    db: Database, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with library_app(db, config, NARROW) as run:
        await run.shows("029.png")
        await run.press("alt+t")
        await run.shows("NO_COLOR is set")
        table = run.main.query_one(ImageTable)
        table.focus()
        await run.press("down", "space")
        await run.shows("1 selected")
        row = run.main.table.current_row
        assert row is not None
        assert _style_of(run, row.file_name).reverse, "the cursor"
        assert _style_of(run, "028.png").bold and not _style_of(run, "025.png").bold, "what is marked"
        assert _style_of(run, "1 selected").underline, "the title of the pane that has the focus"
        await run.press("ctrl+p")
        await run.shows("Search for commands")
        drawn = [one.style for strip in run.app.screen._compositor.render_strips() for one in strip if one.style]
        assert not [style for style in drawn if style.color and not style.color.is_default]


@pytest.mark.parametrize("theme", [CONTRAST, SIXTEEN], ids=lambda theme: theme.name)
@pytest.mark.usefixtures("library")
async def test_an_open_palette_follows_a_change_of_theme(db: Database, config: Config, theme: Theme) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("029.png")
        await run.press("ctrl+p")
        await run.shows("Albums and tags")
        ground = run.app.screen.query_one("CommandList").background_colors[1]
        run.app.theme = theme.name
        await run.until(lambda: run.app.screen.query_one("CommandList").background_colors[1] != ground)
        await run.shows("Albums and tags")


async def test_where_nothing_shall_move_nothing_does(db: Database, config: Config) -> None:
    calm = Config(config.paths, Settings(display=DisplaySettings(motion=False)))
    async with library_app(db, calm, NARROW) as run:
        assert run.app.animation_level == "none"
        await run.press("slash")
        line = run.main.query_one("#search-input", Input)
        await run.until(lambda: line.has_focus and not line.cursor_blink)


async def test_a_low_screen_has_a_brief_control_bar(db: Database, config: Config) -> None:
    async with library_app(db, config, (60, 20)) as run:
        await run.shows("Queue: 0 │ Processed: 0")
        assert "Cache:" not in run.text() and "Stopped" in run.text()
        await run.pilot.resize_terminal(80, 24)
        await run.shows("Cache:")
    dense = Config(config.paths, Settings(display=DisplaySettings(density="compact")))
    async with library_app(db, dense, NARROW) as run:
        await run.shows("Queue: 0 │ Processed: 0")
        assert "Cache:" not in run.text()
