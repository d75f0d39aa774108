"""A page of the guide as a terminal shows it."""

from __future__ import annotations

import sys
from collections.abc import Collection
from typing import TYPE_CHECKING, ClassVar

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import CodeBlock, Markdown, MarkdownElement, TableElement
from rich.table import Table
from rich.text import Text
from rich.theme import Theme

from dtk_tui.cli.guide.pages import Page

if TYPE_CHECKING:
    from markdown_it.token import Token

#: The ground stays that of the terminal, which may be a light one.
_STYLES = Theme({"markdown.code": "bold cyan", "markdown.code_block": "cyan"})


def draw(page: Page, names: Collection[str], width: int) -> str:
    """Return a page with the codes of the terminal behind stdout; as it is where that knows none.

    Args:
        names: of all pages: those that the page links to stand at its foot as commands.
        width: of its lines, in cells; those of code may be longer.
    """
    console = Console(file=sys.stdout, force_terminal=True, width=width, theme=_STYLES, highlight=False)
    if console.color_system is None:  # not even bold, by which keys and commands are told from words
        return page.text
    drawn = _Drawn(page.text, hyperlinks=False)
    targets = {target.partition("#")[0] for token in drawn.parsed for target in _unlink(token)}
    others = [f"dtk guide {name}" for name in names if f"{name}.md" in targets]
    with console.capture() as captured:
        console.print(drawn, crop=False)
        if others:
            console.print(Text(f"\nSee also: {', '.join(others)}"))
    return "\n".join(line.rstrip() for line in captured.get().splitlines()) + "\n"


def _unlink(token: Token) -> list[str]:
    """Leave only the words of the links to other files, and return where these lead."""
    targets: list[str] = []
    left: list[Token] = []
    is_address = True
    for child in token.children or ():
        if child.type == "link_open":
            target = str(child.attrs["href"])
            is_address = "://" in target
            targets += [] if is_address else [target]
        if is_address or child.type not in ("link_open", "link_close"):
            left.append(child)
    token.children = left if token.children else token.children
    return targets


class _Code(CodeBlock):
    """Lines of code, each whole, so that a command that is copied has no end of line in it."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in str(self.text).rstrip().splitlines():
            yield Text(f"    {line}", self.style_name, no_wrap=True, overflow="ignore")


class _Table(TableElement):
    """A table without headings where all of these are empty, and without ellipses."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        headings = [cell.content for cell in self.header.row.cells] if self.header and self.header.row else []
        has_headings = any(heading.plain.strip() for heading in headings)
        table = Table(
            box=box.SIMPLE,
            pad_edge=False,
            collapse_padding=True,
            show_header=has_headings,
            style="markdown.table.border",
            header_style="markdown.table.header",
        )
        for heading in headings:
            table.add_column(heading, overflow="fold")
        for row in self.body.rows if self.body else ():
            table.add_row(*(cell.content for cell in row.cells))
        yield table


class _Drawn(Markdown):
    elements: ClassVar[dict[str, type[MarkdownElement]]] = {
        **Markdown.elements, "fence": _Code, "code_block": _Code, "table_open": _Table,
    }  # fmt: skip
