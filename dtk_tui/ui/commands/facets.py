"""Showing the facets of what is listed."""

from __future__ import annotations

from typing import Any

from dtk_tui.domain.queue import Target
from dtk_tui.ui.commands.run import ScreenMethod
from dtk_tui.ui.context import AppContext, ContextScreen
from dtk_tui.ui.widgets.facet_list import FacetList
from dtk_tui.ui.widgets.tables.image_table import ImageTable

_hide_preview = ScreenMethod("toggle_preview")


def toggle(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
    """Show or hide the facets; on a narrow screen they take the place of folders and preview."""
    facets = screen.query_one(FacetList)
    screen.toggle_class("with-facets")
    if not screen.has_class("with-facets"):
        screen.query_one(ImageTable).focus()
        facets.hide()
        return
    if screen.has_class("with-preview") and not screen.has_class("wide"):
        _hide_preview(context, screen, target)
    facets.show()
    facets.focus()
