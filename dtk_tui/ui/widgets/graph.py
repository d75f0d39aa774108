"""Values over time as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

_EIGHTHS = " \u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588"


def graph(values: Sequence[float | None], width: int, rows: int, most: float) -> list[str]:
    """Return lines that show values from left to right, the newest at the right edge, ``most`` as high as the lines.

    More values than ``width`` are drawn together by their means; None leaves a gap.
    """
    shown = list(_means(values, width))
    lines = []
    for row in reversed(range(rows)):
        signs = []
        for value in shown:
            eighths = 0 if value is None or most <= 0 else round(min(value / most, 1.0) * rows * 8)
            if value and not eighths:
                eighths = 1  # a little is not nothing
            signs.append(_EIGHTHS[max(0, min(8, eighths - row * 8))])
        lines.append("".join(signs).rjust(width))
    return lines


def _means(values: Sequence[float | None], width: int) -> Iterator[float | None]:
    if len(values) <= width:
        yield from values
        return
    for place in range(width):
        part = values[place * len(values) // width : (place + 1) * len(values) // width]
        known = [value for value in part if value is not None]
        yield sum(known) / len(known) if known else None
