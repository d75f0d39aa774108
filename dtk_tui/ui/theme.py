"""The colours: calm, and all of them in the 256 that tmux and older terminals know."""

from __future__ import annotations

from textual.theme import Theme

#: Colours of this app that Textual's themes do not have; other themes get them from here too.
OWN_VARIABLES = {
    "muted": "#8a8a8a",
    "faint": "#585858",
    "line": "#303030",
    "cursor": "#3a3a3a",
    "cursor-focus": "#005f87",
    "pane-focus": "#444444",
    "selected": "#303030",
}

THEME = Theme(
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
