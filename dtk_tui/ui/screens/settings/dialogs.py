"""Dialogs in which a setting gets another value, and a command other keys; what is typed is looked at meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static

from dtk_tui.errors import DtkError
from dtk_tui.services.settings.values import SettingState
from dtk_tui.text import one_line
from dtk_tui.ui.background import in_thread, task
from dtk_tui.ui.dialogs import Choices, Dialog
from dtk_tui.ui.format import line, lines
from dtk_tui.ui.widgets.safe_input import SafeInput

_LINE = 10_000


class ValueDialog(Dialog[str]):
    """Asks for one line, and says while it is typed why it cannot be used; only what can be used ends it.

    Args:
        about: what stands above the line.
        fault_of: says why a value cannot be used, and nothing where it can; called in a thread.
        choices: what else can be done, as ``Choices`` has it.
    """

    def __init__(
        self,
        title: str,
        about: Content,
        value: str,
        fault_of: Callable[[str], str],
        *,
        kind: str,
        is_secret: bool = False,
        choices: tuple[tuple[str, str, str], ...] = (),
    ) -> None:
        super().__init__(title)
        self._about = about
        self._value = one_line(value, _LINE)
        self._fault_of = fault_of
        self._kind = kind
        self._is_secret = is_secret
        self._choices = choices

    def body(self) -> ComposeResult:
        """What it is, the line, and what is wrong with it."""
        with VerticalScroll(classes="text"):
            yield Static(self._about, markup=False)
        yield SafeInput(self._value, password=self._is_secret, compact=True, select_on_focus=False)
        yield Static("", markup=False, classes="fault")
        save = ("Enter", f"Save ({self._kind})", "screen.save")
        yield Choices(save, *self._choices, ("Esc", "Cancel", "screen.leave"))

    @property
    def input(self) -> SafeInput:
        """The line."""
        return self.query_one(SafeInput)

    def on_mount(self) -> None:
        """Type into the line at once."""
        self.input.focus()

    @on(Input.Changed)
    def _typed(self) -> None:
        self._look(is_asked=False)

    @on(Input.Submitted)
    def action_save(self) -> None:
        """Give the value back, where it can be used."""
        self._look(is_asked=True)

    @task("look")
    async def _look(self, *, is_asked: bool) -> None:
        text = self.input.value
        try:
            fault = await in_thread(self._fault_of, text)
        except DtkError as error:
            fault = f"{error.title} {error.detail}"
        if text != self.input.value:
            return
        self.query_one(".fault", Static).update(line(fault, "$error", 300))
        if is_asked and not fault:
            self.dismiss(text)


def setting_dialog(state: SettingState, fault_of: Callable[[str], str]) -> ValueDialog:
    """Return the dialog for a setting; of a secret, what is there is not shown."""
    info = state.info
    about = lines(info.help, 2000)
    if state.shown != state.value:
        about = Content.assemble(about, ("\nIt is set, and not shown: what is typed replaces it.", "$muted"))
    if state.named:
        about = Content.assemble(about, ("\n", ""), line(f"{state.named} goes before what is saved.", "$warning", 200))
    value = "" if state.shown != state.value else state.words
    is_hidden = info.is_secret
    return ValueDialog(info.key, about, value, fault_of, kind=info.kind, is_secret=is_hidden)


class KeysDialog(ValueDialog):
    """Asks for the keys of a command, by their names or by pressing them."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("f2", "listen", "Press a key", show=False)]

    def __init__(self, title: str, about: Content, value: str, fault_of: Callable[[str], str]) -> None:
        press = (("F2", "Add a key by pressing it", "screen.listen"),)
        super().__init__(title, about, value, fault_of, kind="names of keys", choices=press)
        self._listens = False

    def action_listen(self) -> None:
        """Take the next key that is pressed."""
        self._listens = True
        self.query_one(".fault", Static).update(line("Press the key, whichever it is.", "$accent"))
        self.set_focus(None)

    async def _on_key(self, event: events.Key) -> None:
        if self._listens:
            event.stop()
            event.prevent_default()
            self._take(event.key)

    def _take(self, key: str) -> None:
        self._listens = False
        typed = [one.strip() for one in self.input.value.split(",") if one.strip()]
        self.input.value = ",".join(dict.fromkeys([*typed, key]))
        self.input.focus()
        self.input.cursor_position = len(self.input.value)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Do nothing else with the key that is waited for."""
        return not self._listens and super().check_action(action, parameters)
