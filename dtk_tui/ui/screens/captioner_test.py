"""The connection test of the captioner, which can be left at any time."""

from __future__ import annotations

from contextlib import suppress
from time import monotonic
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from dtk_tui.config import Config
from dtk_tui.services.captions.connection_test import CaptionerTest
from dtk_tui.settings import CaptionSettings
from dtk_tui.text import display, duration, without_user
from dtk_tui.ui.dialogs import Choices, Dialog
from dtk_tui.ui.format import line

_MODELS_LIMIT, _DETAIL_LIMIT = 2_000, 8_000
_VISION = {True: ("yes", "$success"), False: ("no", "$error"), None: ("not known", "$warning")}


class CaptionerTestScreen(Dialog[None]):
    """Lists the models of the captioner, says whether its model sees pictures, and what it answers.

    Args:
        config: whose captioner is tested.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,q", "leave", "Close", show=False),
        Binding("r", "again", "Again", show=False),
    ]

    class Ended(Message):
        """A test is over."""

        def __init__(self, test: CaptionerTest) -> None:
            super().__init__()
            self.test = test

    def __init__(self, config: Config) -> None:
        super().__init__("Test of the captioner")
        self._config = config
        self._test: CaptionerTest | None = None
        self._begun = 0.0

    def body(self) -> ComposeResult:
        """Who is asked, what is found, and what can be done."""
        yield Static(line(_asked(self._config.settings.captions), "$muted", 300), markup=False)
        with VerticalScroll(classes="text"):
            yield Static("", markup=False, id="found")
        yield Choices(("r", "Again", "screen.again"), ("Esc", "Close", "screen.leave"))

    def on_mount(self) -> None:
        """Begin."""
        self.set_interval(0.25, self._draw_waiting)
        self.action_again()

    def action_again(self) -> None:
        """Test once more; the one under way is cancelled."""
        self._cancel()

        def ended() -> None:
            with suppress(RuntimeError):  # of an app that is gone
                self.post_message(self.Ended(test))

        self._test = test = CaptionerTest(self._config, ended)
        self._begun = monotonic()
        test.start()
        self._draw_waiting()

    def on_unmount(self) -> None:
        """Cancel what is under way, whoever closed this."""
        self._cancel()

    def _cancel(self) -> None:
        if self._test is not None:
            self._test.stop()
            self._test = None

    def _draw_waiting(self) -> None:
        test = self._test
        if test is not None:
            doing = test.condition or "It is asked about two small pictures."
            words = f"{doing} {duration(monotonic() - self._begun)}; Esc cancels."
            self.query_one("#found", Static).update(_cut(words, _DETAIL_LIMIT))

    def on_captioner_test_screen_ended(self, event: Ended) -> None:
        """Show what was found."""
        if event.test is not self._test:
            return
        self._test = None
        self.query_one("#found", Static).update(_found(event.test))


def _asked(settings: CaptionSettings) -> str:
    if settings.backend == "openai":
        url = without_user(settings.base_url or "no endpoint")
        return f"{settings.model or 'no model'} at {url}"
    return f"llama.cpp with {settings.model or 'no model: see [captions] of config.toml'}"


def _found(test: CaptionerTest) -> Content:
    """Return what a test found, whatever a server said."""
    report = test.report
    if report is None:
        return _cut(str(test.error or "It ended without an answer."), _DETAIL_LIMIT)
    word, style = _VISION[report.vision]
    models = ", ".join(" ".join(name.split()) for name in report.models) or "not told"
    parts: list[Content | str | tuple[str, str]] = [
        ("Models  ", "$muted"),
        _cut(models, _MODELS_LIMIT),
        "\n",
        ("Vision  ", "$muted"),
        (word, style),
        "\n\n",
    ]
    if not report.ok:
        parts.append(("It cannot be used. ", "bold $error"))
    return Content.assemble(*parts, _cut(report.detail, _DETAIL_LIMIT))


def _cut(text: str, limit: int) -> Content:
    """Return untrusted text with its line breaks, as far as anyone reads."""
    return Content(display(text[:limit]) + ("\u2026" if len(text) > limit else ""))
