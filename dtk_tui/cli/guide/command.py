"""guide: the pages of the guide, listed and shown."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from dtk_tui.cli.options import Json
from dtk_tui.cli.output import print_json, print_table, tell

if TYPE_CHECKING:
    from collections.abc import Collection

    from dtk_tui.cli.guide.pages import Page

commands = typer.Typer()

#: Longer lines are hard to read.
_WIDEST = 100
#: Of a terminal that does not say.
_USUAL_WIDTH = 80


def _completed(incomplete: str) -> list[tuple[str, str]]:
    """Return the pages whose names begin so, with their titles."""
    from dtk_tui.cli.guide.pages import listed

    return [(page.name, page.title) for page in listed() if page.name.startswith(incomplete)]


@commands.command()
def guide(
    name: Annotated[
        str | None,
        typer.Argument(metavar="PAGE", autocompletion=_completed, help="A page; without it, all are listed."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show a page of the guide, or list its pages."""
    from dtk_tui.cli.guide.pages import find, listed

    pages = listed()
    if name is not None:
        page = find(pages, name)
        if as_json:
            print_json({"name": page.name, "title": page.title, "text": page.text})
        elif sys.stdout.isatty():
            _show(page, [one.name for one in pages])
        else:
            tell(page.text.removesuffix("\n"))
    elif as_json:
        for page in pages:
            print_json({"name": page.name, "title": page.title})
    else:
        print_table(("page", "title"), [(page.name, page.title) for page in pages])


def _show(page: Page, names: Collection[str]) -> None:
    from dtk_tui.cli.guide.drawing import draw
    from dtk_tui.cli.guide.pager import show
    from dtk_tui.terminal import terminal_width

    show(draw(page, names, min(terminal_width(sys.stdout) or _USUAL_WIDTH, _WIDEST)))
