"""The installed ``dtk`` captions a library with the real llama.cpp: what dies in the middle loses nothing, and whatever
ends the program ends the server.

In the suite each thing dies once, in a fixed order. Any number of times, at random places:

    DTK_KILLS=10 DTK_KILLS_IMAGES=300 DTK_KILLS_SEED=7 pytest tests/e2e/test_captions.py -k dies --timeout=0
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import random
import select
import signal
import struct
import sys
import termios
import threading
import time
from pathlib import Path

import psycopg
import pytest

from tests.e2e.conftest import Dtk
from tests.helpers.pictures import write_many
from tests.helpers.processes import children_of, is_running, wait_for_end, wait_until

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")

KILLS = int(os.environ.get("DTK_KILLS", "0"))
IMAGES = int(os.environ.get("DTK_KILLS_IMAGES", "150"))
SEED = int(os.environ.get("DTK_KILLS_SEED", "1"))
TYPES = ("descriptive", "art-critic")
VICTIMS = ("server", "postgres", "worker")
#: What dies, and by which signal; what is no worker dies of SIGKILL alone.
IN_TURN = [("server", signal.SIGKILL), ("worker", signal.SIGKILL), ("postgres", signal.SIGKILL)]
IN_TURN += [("worker", signal.SIGHUP), ("worker", signal.SIGINT)]


def _prepare(dtk: Dtk, pair: tuple[Path, Path], images: int, types: tuple[str, ...]) -> None:
    """Set up a captioner of two slots, and queue the captions of some pictures."""
    given = {"model": str(pair[0]), "projector": str(pair[1]), "slots": 2, "temperature": 1.0}
    settings = "".join(f"{name} = {json.dumps(value)}\n" for name, value in given.items())
    (dtk.home / "config.toml").write_text(f"[worker]\nlease_s = 1.0\n[captions]\n{settings}gpu_layers = 0\n")
    write_many(dtk.home.parent / "library", images)
    dtk.run("db", "start")
    dtk.run("scan", str(dtk.home.parent / "library"))
    named = [word for name in types for word in ("--caption-type", name)]
    assert dtk.json("queue", "add", "--all", "--kind", "caption", *named)["queued"] == images


def _serves(pid: int) -> bool:
    """Say whether a process serves a captioner."""
    try:
        return b"llama_child" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _servers(worker: int) -> list[int]:
    """Return the servers of captioners that a process has started."""
    try:
        return [pid for pid in children_of(worker) if _serves(pid)]
    except OSError:  # a thread of it ended meanwhile
        return []


def _captions(dtk: Dtk) -> int:
    """Return how many there are; -1 while PostgreSQL is away."""
    try:
        return int(dtk.ask("SELECT count(*) FROM current_caption")[0][0])
    except psycopg.Error:
        return -1


def _blows() -> list[tuple[str, signal.Signals]]:
    if not KILLS:
        return IN_TURN
    chance = random.Random(SEED)
    return [(victim, signal.SIGKILL) for victim in chance.choices(VICTIMS, k=KILLS)]


@pytest.mark.usefixtures("quick_models")
def test_what_dies_in_the_middle_is_started_again_and_every_picture_gets_its_captions(
    dtk: Dtk, llava_pair: tuple[Path, Path]
) -> None:
    chance = random.Random(SEED + 1)
    _prepare(dtk, llava_pair, IMAGES, TYPES)
    blows = _blows()
    worker = dtk.start("worker", "run")
    done = 0
    servers: set[int] = set()
    for number, (victim, blow) in enumerate(blows):
        step = len(TYPES) * IMAGES // (2 * len(blows))
        more = min(done + (chance.randint(1, step) if KILLS else 5), len(TYPES) * IMAGES - 1)
        wait_until(lambda: _captions(dtk) > more, f"it captions; {number} blows of {blows}")  # noqa: B023
        wait_until(lambda: bool(_servers(worker.pid)), "its server runs")  # noqa: B023
        (server,) = _servers(worker.pid)
        servers.add(server)
        if victim == "worker":
            worker.send_signal(blow)
            worker.wait(timeout=60)
            if number + 1 < len(blows):
                worker = dtk.start("worker", "run")
        else:
            os.kill(server if victim == "server" else dtk.server_pid(), blow)
        if victim != "postgres":
            wait_for_end(server)
        done = max(more, _captions(dtk))
    assert done < len(TYPES) * IMAGES, "each died in the middle"
    if worker.poll() is None:
        worker.send_signal(signal.SIGINT)
        worker.wait(timeout=60)

    dtk.run("worker", "run", "--until-empty")

    dtk.run("db", "start")
    assert dtk.look("status")["queue"]["failed"] == 0
    counts = dtk.ask("SELECT type, count(*), count(DISTINCT image_id) FROM current_caption GROUP BY 1 ORDER BY 1")
    assert counts == [(kind, IMAGES, IMAGES) for kind in sorted(TYPES)]
    assert dtk.ask("SELECT count(*) FROM caption") == [(len(TYPES) * IMAGES,)], "none was made twice"
    (first,) = dtk.ask("SELECT min(image_id) FROM current_caption")[0]
    shown = dtk.look("show", str(first))["captions"]
    assert sorted(caption["type"] for caption in shown) == sorted(TYPES)
    assert {caption["source"] for caption in shown} == {"tiny-llava"}
    assert not [pid for pid in servers if is_running(pid) and _serves(pid)]


class App:
    """The app in a terminal of its own, whose screen nobody reads."""

    def __init__(self, dtk: Dtk) -> None:
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            os.execve(dtk.program, [dtk.program], dtk.environ | {"TERM": "xterm-256color"})
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))
        self._is_open = True
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        """Take what is drawn, as a terminal does: a full one would block the app."""
        while self._is_open:
            try:
                if select.select([self._terminal], [], [], 0.05)[0] and not os.read(self._terminal, 65536):
                    return
            except OSError:
                return

    def press(self, keys: bytes) -> None:
        """Type."""
        os.write(self._terminal, keys)

    def close_terminal(self) -> None:
        """Take the terminal away, as a dropped connection does."""
        self._is_open = False
        self._reader.join()
        os.close(self._terminal)

    def wait(self) -> None:
        """Wait until the app has ended."""
        wait_until(lambda: os.waitpid(self.pid, os.WNOHANG)[0] != 0, "the app ends", 60)
        if self._is_open:
            self.close_terminal()


def test_whatever_ends_the_app_ends_its_server(dtk: Dtk, llava_pair: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    dtk.environ["DTK_MODELS"] = str(tmp_path / "models")  # captions alone
    every = tuple(kind["name"] for kind in dtk.looks("caption", "types"))
    _prepare(dtk, llava_pair, 80, every)
    dtk.run("worker", "start")
    quitting, killed, hung_up, interrupted = apps = [App(dtk) for _ in range(4)]
    servers = []
    for app in apps:
        wait_until(lambda: bool(_servers(app.pid)), "the app has a server")  # noqa: B023
        servers += _servers(app.pid)
    assert len(set(servers)) == 4

    end = time.monotonic() + 60
    while is_running(quitting.pid) and time.monotonic() < end:
        quitting.press(b"\x11y")  # Ctrl+Q, and yes to what it asks while there is work
        time.sleep(0.2)
    os.kill(killed.pid, signal.SIGKILL)
    hung_up.close_terminal()
    os.kill(interrupted.pid, signal.SIGINT)

    for app in apps:
        app.wait()
    for server in servers:
        wait_for_end(server)
    assert dtk.ask("SELECT count(*) FROM job WHERE state = 'failed'") == [(0,)]
