"""How wide the panes beside the images are: by keys, by the mouse, and in the next session."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual import events

from dtk_tui.config import Config
from dtk_tui.services.view_state import ViewState
from dtk_tui.store.database import Database
from dtk_tui.ui.widgets.side_pane import SidePane
from tests.helpers.running_app import NARROW, WIDE, Running, library_app

pytestmark = pytest.mark.usefixtures("library")


def _folders(run: Running) -> SidePane:
    return run.main.query_one("#folders-pane", SidePane)


def _preview(run: Running) -> SidePane:
    return run.main.query_one("#preview", SidePane)


def _is(pane: SidePane, width: int) -> Callable[[], bool]:
    return lambda: pane.outer_size.width == width


async def test_keys_move_the_border_of_the_pane_with_the_focus(db: Database, config: Config) -> None:
    async with library_app(db, config, WIDE) as run:
        await run.shows("029.png")
        folders, preview = _folders(run), _preview(run)
        usual = preview.outer_size.width
        await run.press("right_square_bracket", "right_square_bracket")
        await run.until(_is(preview, usual - 8))
        assert folders.outer_size.width == 32, "the images took it from the preview"
        run.main.query_one("#folders").focus()
        await run.press("right_square_bracket")
        await run.until(_is(folders, 36))
        await run.press("left_square_bracket", "left_square_bracket")
        await run.until(_is(folders, 28))
        run.main.query_one("#facts").focus()
        await run.press("right_square_bracket")
        await run.until(_is(preview, usual - 4))
        await run.press("equals_sign")
        await run.until(lambda: _is(preview, usual)() and _is(folders, 32)())


async def test_the_images_keep_some_room_and_a_refusal_says_so_once(db: Database, config: Config) -> None:
    async with library_app(db, config, NARROW) as run:
        await run.shows("029.png")
        run.main.query_one("#folders").focus()
        for _ in range(20):
            await run.press("right_square_bracket")
        await run.shows("This pane cannot be wider.")
        await run.until(_is(_folders(run), 50))
        notices = [one for one in run.app._notifications if one.message == "This pane cannot be wider."]
        assert len(notices) == 1
        for _ in range(20):
            await run.press("left_square_bracket")
        await run.shows("This pane cannot be narrower.")
        await run.until(_is(_folders(run), 14))


async def test_widths_are_kept_for_each_kind_of_screen_and_give_way(db: Database, config: Config) -> None:
    async with library_app(db, config, WIDE) as run:
        await run.shows("029.png")
        run.main.query_one("#folders").focus()
        for _ in range(10):
            await run.press("right_square_bracket")
        run.main.query_one("#facts").focus()
        for _ in range(4):
            await run.press("right_square_bracket")
        wide = _preview(run).width
        await run.until(lambda: _is(_folders(run), 72)() and _is(_preview(run), wide)())
        await run.pilot.resize_terminal(130, 40)
        await run.until(lambda: 30 <= run.main.query_one("#images-pane").outer_size.width <= 32)
        assert _folders(run).outer_size.width < 72 and _preview(run).outer_size.width < wide
        await run.pilot.resize_terminal(80, 24)
        await run.until(_is(_folders(run), 24))
        await run.pilot.resize_terminal(*WIDE)
        await run.until(lambda: _is(_folders(run), 72)() and _is(_preview(run), wide)())
        await run.until(lambda: ViewState(config.paths.state / "view.json").number("wide_preview") == wide)
    async with library_app(db, config, WIDE) as run:
        await run.until(lambda: _is(_folders(run), 72)() and _is(_preview(run), wide)())


async def test_a_width_that_is_not_written_yet_counts(
    db: Database, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dtk_tui.ui.widgets.side_pane._REST_S", 60.0)
    async with library_app(db, config, WIDE) as run:
        await run.shows("029.png")
        await run.until(_is(_folders(run), 32))
        run.main.query_one("#folders").focus()
        await run.press("right_square_bracket")
        await run.until(_is(_folders(run), 36))
        await run.pilot.resize_terminal(*NARROW)
        await run.until(_is(_folders(run), 24))
        await run.press("left_square_bracket")
        await run.until(_is(_folders(run), 20))
        await run.pilot.resize_terminal(*WIDE)
        await run.until(_is(_folders(run), 36))
        assert not (config.paths.state / "view.json").exists()
    async with library_app(db, config, WIDE) as run:
        await run.until(_is(_folders(run), 36))
    assert ViewState(config.paths.state / "view.json").number("narrow_folders-pane") == 20


@pytest.mark.parametrize("kept", ["1e9", "-5", '"x"', "[]", "100000"])
async def test_a_width_that_makes_no_sense_harms_nothing(db: Database, config: Config, kept: str) -> None:
    file = Path(config.paths.state / "view.json")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f'{{"wide_folders-pane": {kept}, "narrow_folders-pane": {kept}}}')
    for size in (WIDE, NARROW):
        async with library_app(db, config, size) as run:
            await run.shows("029.png")
            assert run.main.query_one("#images-pane").outer_size.width >= 20


async def test_the_mouse_drags_a_border_and_two_clicks_give_it_back(db: Database, config: Config) -> None:
    async with library_app(db, config, WIDE) as run:
        await run.shows("029.png")
        folders, preview = _folders(run), _preview(run)
        usual = preview.outer_size.width

        async def drag(x: int, to: int, *, is_lost: bool = False) -> None:
            await run.pilot.mouse_down(offset=(x, 20))
            for place in ((x + to) // 2, to):
                await run.pilot._post_mouse_events([events.MouseMove], offset=(place, 30), button=1)
            if not is_lost:
                await run.pilot.mouse_up(offset=(to, 30))

        await drag(31, 47)
        await run.until(_is(folders, 48))
        await drag(preview.region.x, preview.region.x - 10, is_lost=True)
        await run.until(_is(preview, usual + 10))
        await run.pilot.hover(offset=(100, 20))
        assert run.app.mouse_captured is None
        assert _is(folders, 48)() and _is(preview, usual + 10)(), "nothing moves without a button"
        await run.pilot.click(offset=(47, 20), times=2)
        await run.until(_is(folders, 32))
        await run.pilot.click(offset=(20, 20))
        assert isinstance(run.app.mouse_position, events.Offset) and _is(folders, 32)()
