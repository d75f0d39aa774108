"""The commands for one picture: on the whole screen, with its facts or alone; its pages of facts."""

from __future__ import annotations

from dtk_tui.ui.commands import images
from dtk_tui.ui.commands.command import PREVIEW, SCREEN, WORK, Command
from dtk_tui.ui.commands.picture import copy, program, view
from dtk_tui.ui.commands.run import ScreenMethod

IMAGE = (
    Command(
        "detail.next", "right,n,down,j", "Next", SCREEN, ScreenMethod("step", (1,)),
        in_footer=True, key_name="\u2192",
    ),
    Command(
        "detail.previous", "left,b,up,k", "Previous", SCREEN, ScreenMethod("step", (-1,)),
        in_footer=True, key_name="\u2190",
    ),
    Command("detail.picture", "v", "Full screen", SCREEN, view.open_picture, view.needs_pictures, in_footer=True),
    Command("detail.leave", "escape,q,enter", "Back", SCREEN, ScreenMethod("go_back"), in_footer=True, key_name="Esc"),
)  # fmt: skip
PICTURE = (
    Command("picture.next", "n,pagedown,space", "Next", SCREEN, ScreenMethod("step", (1,)), in_footer=True),
    Command("picture.previous", "b,pageup,backspace", "Previous", SCREEN, ScreenMethod("step", (-1,))),
    Command(
        "picture.larger", "greater_than_sign,z", "Larger", SCREEN, ScreenMethod("zoom", (1,)),
        in_footer=True, key_name=">",
    ),
    Command(
        "picture.smaller", "less_than_sign,Z", "Smaller", SCREEN, ScreenMethod("zoom", (-1,)), key_name="<",
    ),
    Command("picture.fit", "F", "Fit", SCREEN, ScreenMethod("fit"), in_footer=True),
    Command("picture.actual", "a", "Actual size", SCREEN, ScreenMethod("show_actual_size"), in_footer=True),
    Command("picture.slideshow", "p", "Slideshow", SCREEN, ScreenMethod("toggle_slideshow"), in_footer=True),
    Command("picture.right", "right,l", "To the right, or the next", SCREEN, ScreenMethod("move", (1, 0))),
    Command("picture.left", "left,h", "To the left, or the one before", SCREEN, ScreenMethod("move", (-1, 0))),
    Command("picture.down", "down,j", "Down, or the next", SCREEN, ScreenMethod("move", (0, 1))),
    Command("picture.up", "up,k", "Up, or the one before", SCREEN, ScreenMethod("move", (0, -1))),
    Command(
        "picture.leave", "escape,q,v,enter", "Back", SCREEN, ScreenMethod("go_back"), in_footer=True, key_name="Esc",
    ),
)  # fmt: skip
FACTS = (
    Command(
        "work.copy", "y", "Copy", WORK, copy.copy, images.needs_chosen_images,
        tooltip="Copy prompt, seed, path or all of it to the clipboard of the terminal",
    ),
    Command(
        "work.open", "o", "Open in another program", WORK, program.open_outside, images.needs_chosen_images,
        tooltip="With the command of [preview] open_with",
    ),
)  # fmt: skip
PREVIEW_PAGES = (
    Command("preview.prompt", "alt+1", "Show prompt", PREVIEW, images.show_tab(0)),
    Command("preview.parameters", "alt+2", "Show parameters", PREVIEW, images.show_tab(1)),
    Command("preview.tags", "alt+3", "Show tags", PREVIEW, images.show_tab(2)),
    Command("preview.similar", "alt+4", "Show similar", PREVIEW, images.show_tab(3)),
    Command("preview.workflow", "alt+5", "Show workflow", PREVIEW, images.show_tab(4)),
    Command("preview.group", "alt+6", "Show group", PREVIEW, images.show_tab(5)),
    Command("preview.history", "alt+7", "Show history", PREVIEW, images.show_tab(6)),
)
