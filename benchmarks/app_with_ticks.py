"""The app of ``dtk``, as it is, with one task more on its event loop, which notes how late it is woken.

``DTK_BENCH_TICKS`` names the file of the notes: pairs of float64, the time (monotonic, s) and how late (s) each tick
was.
``DTK_BENCH_STACKS`` names a file to which goes what the event loop was at when a tick was late by more than 30 ms.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import traceback
from array import array
from time import monotonic, sleep
from typing import Any

from dtk_tui import cli

TICK_S = 0.01
_LATE_S, _LOOK_S = 0.03, 0.005


async def _tick(path: str, woken: list[float]) -> None:
    with open(path, "ab", buffering=0) as file:
        notes = array("d")
        while True:
            due = monotonic() + TICK_S
            woken[0] = due
            await asyncio.sleep(TICK_S)
            notes.extend((due, monotonic() - due))
            if len(notes) >= 20:
                file.write(notes.tobytes())
                notes = array("d")


def _watch(path: str, loop_thread: int, woken: list[float]) -> None:
    with open(path, "a", encoding="utf-8") as file:
        while True:
            sleep(_LOOK_S)
            if woken[0] and monotonic() - woken[0] > _LATE_S:
                frame = sys._current_frames().get(loop_thread)
                at = "".join(traceback.format_stack(frame)[-7:]) if frame else ""
                others = [
                    "".join(traceback.format_stack(one)[-2:])
                    for number, one in sys._current_frames().items()
                    if number not in (loop_thread, threading.get_ident())
                ]
                file.write(f"-- {monotonic():.3f} late {monotonic() - woken[0]:.3f}\n{at}")
                file.write("".join(f"   beside: {other}" for other in others if "wait" not in other))
                file.flush()


def _install(path: str) -> None:
    from dtk_tui.ui.app import DtkApp

    begin = DtkApp.on_ready

    def on_ready(app: Any) -> None:
        begin(app)
        woken = [0.0]
        app.ticks = asyncio.create_task(_tick(path, woken))
        stacks = os.environ.get("DTK_BENCH_STACKS")
        if stacks:
            threading.Thread(target=_watch, args=(stacks, threading.get_ident(), woken), daemon=True).start()

    DtkApp.on_ready = on_ready  # type: ignore[method-assign,assignment]


if __name__ == "__main__":
    _install(os.environ["DTK_BENCH_TICKS"])
    sys.argv = ["dtk"]
    cli.run()
