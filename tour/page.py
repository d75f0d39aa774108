"""docs/tour.md: a heading, a sentence and a picture a stop."""

from __future__ import annotations

from typing import Final

from tour.stops import STOPS

#: Sizes of the terminal, in columns and rows.
SIZES: Final = ((80, 24), (200, 50))
THEMES: Final = ("dark", "light")
_HEAD: Final = """# Tour

Every screen of the app, on the sample library of the demo in a terminal of 200 by 50. Below each picture are those of a
terminal of 80 by 24, and those in light colours: `Alt+T` goes through the themes. `make tour` makes all of them anew:
it presses the keys that are named here.
"""


def file_name(stop: str, size: tuple[int, int], theme: str) -> str:
    """Return what the file of a picture is called."""
    return f"{stop}-{size[0]}x{size[1]}-{theme}.webp"


def page() -> str:
    """Return the page; its pictures are in the folder ``tour`` beside it."""
    parts = [_HEAD]
    for stop in STOPS:
        kinds = [(size, theme) for size in SIZES for theme in THEMES]
        links = (f"[{x}x{y} {theme}](tour/{file_name(stop.name, (x, y), theme)})" for (x, y), theme in kinds)
        shown = f"![{stop.title}](tour/{file_name(stop.name, SIZES[-1], THEMES[0])})"
        parts.append(f"## {stop.title}\n\n{stop.sentence}\n\n{shown}\n\n{', '.join(links)}\n")
    return "\n".join(parts)
