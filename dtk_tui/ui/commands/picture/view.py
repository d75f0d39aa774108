"""Showing pictures alone on the whole screen."""

from __future__ import annotations

from typing import Any

from dtk_tui.domain.queue import Target
from dtk_tui.ui.commands.images import needs_images_now
from dtk_tui.ui.context import AppContext, ContextScreen
from dtk_tui.ui.messages import PictureOpened


def needs_pictures(screen: ContextScreen[Any]) -> str:
    """Refuse what shows pictures where there are none, or where they are off."""
    if screen.is_mounted and screen.context.image_protocol == "off":
        return "Pictures are off: [preview] protocol in config.toml says so."
    return needs_images_now(screen)


def open_picture(context: AppContext, screen: ContextScreen[Any], target: Target | None) -> None:
    """Show the picture at the cursor alone; the marked ones, else all of the list, are gone through."""
    images = screen.images()
    if images is None:
        context.notify("There is no image here.")
    else:
        screen.app.post_message(PictureOpened(images, screen.picture_closed))
