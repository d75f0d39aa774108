"""Thumbnails: what one costs beside its decode, how soon a screen is full, and how long the event loop is held up.

A million images that share some real files: PNG of one megapixel, JPEG of twelve. Prints one table.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from bench_ui import Lag, fetch
from PIL import Image
from textual.app import App, ComposeResult

from dtk_tui.domain.library import PictureFile
from dtk_tui.metadata.bounded_file import fingerprint_of
from dtk_tui.services.library import previews
from dtk_tui.services.library.thumbnails.cache import ThumbnailCache
from dtk_tui.services.library.thumbnails.thumbnails import Thumbnails
from dtk_tui.ui.theme import OWN_VARIABLES
from dtk_tui.ui.widgets.grid.pictures import PictureSource
from dtk_tui.ui.widgets.image_pane import ImagePane

_ROWS = 1_000_000
_FILES = int(os.environ.get("DTK_BENCH_FILES", "60"))
_SIZE = (200, 50)


def _write(folder: Path) -> list[PictureFile]:
    """Write the files: five PNG for each JPEG, with shapes and grain as generated pictures have."""
    found = []
    grain = np.random.default_rng(1)
    for number in range(_FILES):
        is_jpeg = number % 6 == 5
        width, height = (4000, 3000) if is_jpeg else (1024, 1024)
        small = grain.integers(0, 256, (12, 16, 3), np.uint8)
        smooth = np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC), np.int16)
        pixels = smooth + grain.integers(-6, 7, (height, width, 1), np.int16)
        path = folder / f"{number:04d}.{'jpg' if is_jpeg else 'png'}"
        Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path, quality=90)
        status = path.stat()
        found.append(PictureFile(str(path), fingerprint_of(str(path)), status.st_size, status.st_mtime_ns))
    return found


class _Grid(App[None]):
    CSS_PATH: ClassVar = [f"../dtk_tui/ui/styles/{name}.tcss" for name in ("base", "browser")]

    def __init__(self, files: Sequence[PictureFile], cache: Path) -> None:
        super().__init__()
        self._files = files
        self._thumbnails = Thumbnails(ThumbnailCache(cache))

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return OWN_VARIABLES

    def compose(self) -> ComposeResult:
        def files(ids: Sequence[int]) -> dict[int, PictureFile]:
            return {number: self._files[number % len(self._files)] for number in ids}

        yield ImagePane(fetch, pictures=PictureSource("halfblock", files, self._thumbnails.load))


def _each(files: Sequence[PictureFile], work: Callable[[PictureFile], object]) -> str:
    """Return the median and the largest milliseconds of something done once for each file."""
    took = []
    for file in files:
        begin = time.perf_counter()
        work(file)
        took.append((time.perf_counter() - begin) * 1000)
    return f"{statistics.median(took):.1f} / {max(took):.1f} ms"


def _floors(files: Sequence[PictureFile], cache: Path) -> list[tuple[str, str]]:
    thumbnails = Thumbnails(ThumbnailCache(cache))
    out = []
    for name, ending in (("PNG of 1 MP", ".png"), ("JPEG of 12 MP", ".jpg")):
        some = [file for file in files if file.path.endswith(ending)]
        out += [
            (f"{name}: decode at full size (floor)", _each(some, lambda file: Image.open(file.path).load())),
            ("  as a preview does it, 128 pixels", _each(some, lambda file: previews.load(file.path, (128, 128)))),
            ("  first thumbnail, with its writing", _each(some, lambda file: thumbnails.load(file, (18, 18)))),
            ("  from the cache", _each(some, lambda file: thumbnails.load(file, (18, 18)))),
        ]
    return out


async def _full(pane: ImagePane) -> float:
    """Return how many milliseconds it takes from now on until all tiles in sight have their pictures."""
    begin = time.perf_counter()
    table = pane.table
    while not all(int(table.ids[row]) in table._memory for row in table.visible_rows):
        await asyncio.sleep(0.001)
    return (time.perf_counter() - begin) * 1000


async def _screens(files: Sequence[PictureFile], cache: Path, words: str) -> list[tuple[str, str]]:
    out = []
    async with _Grid(files, cache).run_test(size=_SIZE) as pilot:
        pane = pilot.app.query_one(ImagePane)
        pane.table.show(np.arange(_ROWS, dtype=np.int64)[::-1].copy())
        pane.table.focus()
        begin = time.perf_counter()
        async with Lag() as filling:
            pane.table.show_as(grid=True, width=1)
            await pilot.pause()
            await _full(pane)
        count = len(pane.table.visible_rows)
        out.append((f"a screen of {count} thumbnails, {words}", f"{(time.perf_counter() - begin) * 1000:.0f} ms"))
        out.append(("  loop lag meanwhile, p50 / p99", f"{filling.words()} ms"))
        async with Lag() as moving:
            for key in ["down"] * 100 + ["pagedown"] * 40 + ["right"] * 40 + ["end", "pageup", "home"] * 8:
                await pilot.press(key)
            await _full(pane)
        out.append(("  loop lag scrolling, p50 / p99", f"{moving.words()} ms"))
    return out


def _print(rows: list[tuple[str, str]]) -> None:
    for words, value in rows:
        print(f"{words:<48}{value:>18}", flush=True)


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="dtk-bench-grid-") as name:
        folder = Path(name)
        files = _write(folder)
        _print(_floors(files, folder / "floors"))
        for words in ("nothing kept", "all kept on disk"):
            _print(asyncio.run(_screens(files, folder / "cache", words)))


if __name__ == "__main__":
    main()
