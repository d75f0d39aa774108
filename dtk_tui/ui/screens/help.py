"""Help, made from the commands and their keys as they are now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from dtk_tui.ui.commands.command import GRID, LISTS, Command
from dtk_tui.ui.commands.registry import offered
from dtk_tui.ui.context import ContextScreen
from dtk_tui.ui.dialogs import Dialog
from dtk_tui.ui.messages import PaletteOpened

_SEARCH_HELP = (
    'The search line knows words, "phrases", -not, OR, brackets and tokens such as tag:1girl, model:sdxl, '
    "steps:20-30, rating:>=4, size:portrait, date:since 3 days ago, like:ID (similar pictures), "
    "-like:ID (unlike them), about:words (similar meaning of the prompt), looks:words (what the picture shows), "
    "sort:size."
)


class HelpScreen(Dialog[None]):
    """Says what has the focus and what its keys do, and lists every other key of a screen by groups.

    Args:
        commands: with their keys as people read them, in order.
        signs: what the signs in the lists of the screen mean, by what the lists hold.
        here: what has the focus.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,q,enter", "leave", "Close", show=False),
        Binding("slash", "find", "Find one and do it", show=False),
    ]

    def __init__(
        self, commands: Sequence[tuple[Command, str]], signs: Mapping[str, str], here: Widget | None = None
    ) -> None:
        super().__init__("Keys: / finds one and does it")
        self._commands = commands
        self._signs = signs
        self._here = here

    def body(self) -> ComposeResult:
        """One block a group."""
        with VerticalScroll(classes="text"):
            yield Static(self._text(), markup=False)

    def action_find(self) -> None:
        """Find a command by its words, and do it: the palette, on the screen that this is the help of."""
        self.dismiss(None)
        self.app.post_message(PaletteOpened())

    def _text(self) -> Content:
        width = max((len(keys) for _, keys in self._commands), default=0) + 2
        signs = dict(self._signs)
        groups: dict[str, list[Content]] = {}
        here = self._here.BINDING_GROUP_TITLE if self._here is not None else None
        if here:
            about = str(getattr(self._here, "ABOUT", ""))
            groups[""] = [Content.styled(f"Here: {here}", "bold $accent"), *([Content(about)] if about else ())]
        for command, keys in self._commands:
            group = "" if "" in groups and _is_of(command, self._here) else command.group
            rows = groups.setdefault(group, [Content.styled(group, "bold $accent")])
            key, name = (f"{keys:<{width}}", "bold"), (f"  {command.id}", "$faint")
            rows.append(Content.assemble("  ", key, command.title, name))
        if here and (meaning := signs.pop(here, "")):
            groups[""] += [Content.styled("  Signs", "$accent"), *_lines(meaning)]
        blocks = [Content("\n").join(rows) for rows in groups.values()]
        for of, meaning in signs.items():
            title = Content.styled(f"Signs in {of.lower()}", "bold $accent")
            blocks.append(Content("\n").join([title, *_lines(meaning)]))
        note = 'The grey names are for the [keys] part of config.toml, e.g.  "main.search" = "f3"'
        blocks += [Content.styled(_SEARCH_HELP, "$muted"), Content.styled(note, "$muted")]
        return Content("\n\n").join(blocks)


def _lines(signs: str) -> list[Content]:
    """Return a line for each sign: a paragraph would be broken between a sign and what it means."""
    return [Content(f"  {one}") for one in signs.split("   ") if one]


def _is_of(command: Command, widget: Widget | None) -> bool:
    is_moving = command.group in (LISTS, GRID)  # which is known, and would stand before what is looked for
    return not is_moving and command.widget is not None and isinstance(widget, command.widget)


def help_for(screen: ContextScreen[Any]) -> HelpScreen:
    """Return the help of a screen with its keys as they are now."""
    keymap = screen.context.config.settings.keys
    commands = [(command, command.key_names(screen.app, keymap)) for command in offered(screen)]
    # Textual gives every node a HELP, which is None unless somebody wrote one.
    signs = {str(one.BINDING_GROUP_TITLE): one.HELP for one in screen.focus_chain if one.HELP}
    return HelpScreen(commands, signs, screen.focused)
