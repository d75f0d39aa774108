"""What is done with the table of images as a whole: choose its columns, fold what is alike."""

from __future__ import annotations

from typing import Any

from dtk_tui.domain.queue import Target
from dtk_tui.ui.column_dialog import ColumnDialog
from dtk_tui.ui.commands.run import ScreenMethod
from dtk_tui.ui.context import AppContext, ContextScreen
from dtk_tui.ui.widgets.image_pane import ImagePane
from dtk_tui.ui.widgets.tables.image_table import COLUMNS, MEANINGS, ImageTable

_load_again = ScreenMethod("load_again")


def choose(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
    """Choose the columns, their order and their widths; the table shows at once what is chosen."""
    pane = screen.query_one(ImagePane)
    screen.app.push_screen(ColumnDialog(COLUMNS, MEANINGS, pane.table.column_layout, pane.choose_columns))


def fold(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
    """Make images that are alike one row, or each a row again; the cursor stays on its image."""
    pane = screen.query_one(ImagePane)
    pane.is_folding = not pane.is_folding
    if pane.is_folding:
        key = context.key("main.unfold")
        context.notify(f"Images of one generation, and copies, become one row; {key} unfolds it.")
    _load_again(context, screen, target)


def needs_folds(screen: ContextScreen[Any]) -> str:
    """Refuse it where nothing is folded."""
    is_folded = not screen.is_mounted or any(table.is_folded for table in screen.query(ImageTable))
    return "" if is_folded else f"Nothing is folded here: {screen.context.key('main.fold')} folds what is alike."


def unfold_row(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
    """Show the images of the row under the cursor one by one, or as one row again."""
    table = screen.query_one(ImageTable)
    if not table.toggle_fold():
        context.notify("This row is one image: nothing is folded in it." if table.count else "There is no image here.")
