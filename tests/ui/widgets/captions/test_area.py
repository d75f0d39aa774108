"""The text area that changes nothing by itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import ComposeResult
from textual.events import Paste

from dtk_tui.text import display
from dtk_tui.ui.textual_compat import ExactDocument, FaultReportingApp
from dtk_tui.ui.widgets.captions.area import CaptionArea
from tests.helpers.running_app import NARROW, running
from tests.ui.test_hostile import FORBIDDEN, HOSTILE

_TEXT = st.text(alphabet=st.sampled_from("ab \n\r\t\x00\x0b\x1c\x85\u2028\u2029\udce9\u0301\u65e5\x1b"), max_size=40)


class AreaApp(FaultReportingApp):
    """An app with nothing else."""

    def compose(self) -> ComposeResult:
        yield CaptionArea(100)


@given(_TEXT, _TEXT, st.integers(0, 40), st.integers(0, 40))
def test_an_edit_changes_what_it_replaces_and_nothing_else(text: str, new: str, first: int, last: int) -> None:
    document = ExactDocument(text)
    assert document.text == text
    start, end = sorted((min(first, len(text)), min(last, len(text))))
    places = [(text.count("\n", 0, index), index - text.rfind("\n", 0, index) - 1) for index in (start, end)]
    assert document.get_text_range(*places) == text[start:end]
    result = document.replace_range(*places, new)
    changed = text[:start] + new + text[end:]
    assert (document.text, result.replaced_text) == (changed, text[start:end])
    index = start + len(new)
    assert result.end_location == (changed.count("\n", 0, index), index - changed.rfind("\n", 0, index) - 1)
    assert document.lines == [display(line) for line in changed.split("\n")]


async def test_all_of_the_text_is_on_the_screen_at_any_width() -> None:
    text = "one two three four five six seven eight nine ten eleven twelve\nthe end"
    app = AreaApp()
    async with running(app, NARROW) as run:
        area = app.query_one(CaptionArea)
        area.text = text
        for width in (80, *range(44, 11, -1), 50):
            area.styles.width = width
            await run.until(lambda width=width: area.size.width == width - area.gutter.width)  # type: ignore[misc]
            await run.pilot.pause()
            assert run.text().split() == text.split(), width


async def test_a_hostile_text_is_shown_edited_and_undone_byte_for_byte() -> None:
    app = AreaApp()
    async with running(app, NARROW) as run:
        area = app.query_one(CaptionArea)
        for text in HOSTILE:
            area.text = text
            assert area.text == text
            await run.pilot.pause()
            assert not {char for char in run.text() if char in FORBIDDEN and char != "\n"}
            await run.press("y", "enter")
            area.move_cursor(area.document.end)
            await run.press("x")
            assert area.text == f"y\n{text}x"
            while area.text != text:
                await run.press("ctrl+z")
            area.select_all()
            await run.press("ctrl+c", "ctrl+x", "ctrl+v")
            await run.until(lambda area=area, text=text: area.text == text)  # type: ignore[misc]


async def test_what_is_pasted_is_bounded_and_harmless() -> None:
    app = AreaApp()
    async with running(app, NARROW) as run:
        area = app.query_one(CaptionArea)
        area.text = "ab"
        area.move_cursor((0, 1))
        area.post_message(Paste("one\rtwo\r\n\x1b[2J\x00"))
        await run.until(lambda: area.text == "aone\ntwo\n\u241b[2J\u2400b")
        area.post_message(Paste("x" * 1000))
        await run.until(lambda: len(area.text) == 100)


async def test_a_stream_is_one_step_of_undo() -> None:
    app = AreaApp()
    async with running(app, NARROW) as run:
        area = app.query_one(CaptionArea)
        area.focus()
        await run.press("m", "i", "n", "e")
        for end, expected in (("a fox", "a fox"), (None, "mine"), ("", "")):
            area.begin_stream()
            for piece in ["a", " fo", "x\n"] * 40:
                area.stream(piece)
            await run.press("q", "enter")
            assert area.text == "a fox\n" * 40, "nobody types meanwhile"
            area.end_stream(end)
            assert area.text == expected and not area.is_streaming
            if expected != "mine":
                await run.press("ctrl+z")
            assert area.text == "mine"
        await run.press("ctrl+z")
        assert area.text == ""


@pytest.mark.parametrize(("step", "places"), [(1, [(1, 3), (2, 3), (3, 3), (1, 3)]), (-1, [(3, 3), (2, 3), (1, 3)])])
async def test_find_goes_around(step: int, places: list[tuple[int, int]]) -> None:
    app = AreaApp()
    async with running(app, NARROW):
        area = app.query_one(CaptionArea)
        area.text = "fox\nFox fox\n\x00 fox"
        assert [area.find("fox", step) for _ in places] == places
        assert area.selected_text == "fox"
        assert (area.find("cat"), area.find("")) == ((0, 0), (0, 0))
        assert not area.replace_found("cat", "dog") and area.replace_found("fox", "a\nb")
        assert area.replace_everywhere("fox", "") == 2
        assert area.text in ("a\nb\nFox \n\x00 ", "\nFox \n\x00 a\nb", "\nFox a\nb\n\x00 ")
