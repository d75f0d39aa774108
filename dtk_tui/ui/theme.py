"""The colours, dark and light: calm, and all of them in the 256 that tmux and older terminals know."""

from __future__ import annotations

from textual.theme import Theme

#: Colours of this app that Textual's themes do not have; other themes get them from here too.
OWN_VARIABLES = {
    "muted": "#949494",
    "faint": "#767676",
    "line": "#303030",
    "cursor": "#3a3a3a",
    "cursor-focus": "#005f87",
    "pane-focus": "#3a3a3a",
    "pane-focus-text": "#eeeeee",
    "selected": "#303030",
}

DARK = Theme(
    name="dtk",
    primary="#5f87af",
    secondary="#87afaf",
    accent="#87afd7",
    warning="#d7af5f",
    error="#d75f5f",
    success="#87af87",
    foreground="#d0d0d0",
    background="#1c1c1c",
    surface="#1c1c1c",
    panel="#262626",
    variables={
        **OWN_VARIABLES,
        "border": "#5f87af",
        "border-blurred": "#303030",
        "block-cursor-background": "#005f87",
        "block-cursor-foreground": "#eeeeee",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#3a3a3a",
        "footer-background": "#262626",
        "footer-key-foreground": "#87afd7",
        "footer-description-foreground": "#bcbcbc",
        "input-selection-background": "#005f87",
        "scrollbar": "#444444",
        "scrollbar-hover": "#585858",
        "scrollbar-active": "#5f87af",
        "scrollbar-background": "#1c1c1c",
        "scrollbar-background-hover": "#1c1c1c",
        "scrollbar-background-active": "#1c1c1c",
        "scrollbar-corner-color": "#1c1c1c",
    },
)

LIGHT = Theme(
    name="dtk-light",
    dark=False,
    primary="#005f87",
    secondary="#005f5f",
    accent="#005faf",
    warning="#875f00",
    error="#af0000",
    success="#005f00",
    foreground="#303030",
    background="#ffffff",
    surface="#ffffff",
    panel="#e4e4e4",
    variables={
        "muted": "#585858",
        "faint": "#808080",
        "line": "#d0d0d0",
        "cursor": "#d0d0d0",
        "cursor-focus": "#005f87",
        "pane-focus": "#d0d0d0",
        "pane-focus-text": "#1c1c1c",
        "selected": "#dadada",
        "border": "#005f87",
        "border-blurred": "#d0d0d0",
        "block-cursor-background": "#005f87",
        "block-cursor-foreground": "#eeeeee",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#d0d0d0",
        "footer-background": "#e4e4e4",
        "footer-key-foreground": "#005faf",
        "footer-description-foreground": "#444444",
        "input-selection-background": "#afd7ff",
        "scrollbar": "#bcbcbc",
        "scrollbar-hover": "#9e9e9e",
        "scrollbar-active": "#5f87af",
        "scrollbar-background": "#ffffff",
        "scrollbar-background-hover": "#ffffff",
        "scrollbar-background-active": "#ffffff",
        "scrollbar-corner-color": "#ffffff",
    },
)
#: The first is what the app begins with.
THEMES = (DARK, LIGHT)
