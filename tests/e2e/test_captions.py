"""The installed ``dtk`` captions a library with the real llama.cpp, is ended in every way, and leaves no server."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import Dtk
from tests.helpers.pictures import write_many
from tests.helpers.processes import children_of, wait_for_end, wait_until

pytestmark = [
    pytest.mark.usefixtures("quick_models"),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc"),
]

IMAGES = 150
TYPES = ("descriptive", "art-critic")


def _servers(worker: subprocess.Popen[bytes]) -> list[int]:
    """Return the children of a worker that serve a captioner."""
    return [pid for pid in children_of(worker.pid) if b"llama_child" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def _captions(dtk: Dtk) -> int:
    return int(dtk.ask("SELECT count(*) FROM current_caption")[0][0])


def test_whatever_ends_a_worker_ends_its_captioner_and_every_picture_gets_its_captions(
    dtk: Dtk, llava_pair: tuple[Path, Path]
) -> None:
    given = {"model": str(llava_pair[0]), "projector": str(llava_pair[1]), "slots": 2, "temperature": 1.0}
    settings = "".join(f"{name} = {json.dumps(value)}\n" for name, value in given.items())
    (dtk.home / "config.toml").write_text(f"[worker]\nlease_s = 1.0\n[captions]\n{settings}gpu_layers = 0\n")
    library = dtk.home.parent / "library"
    write_many(library, IMAGES)
    dtk.run("db", "start")
    dtk.run("scan", str(library))
    asked = dtk.json(
        "queue", "add", "--all", "--kind", "caption", "--caption-type", TYPES[0], "--caption-type", TYPES[1]
    )
    assert asked["queued"] == IMAGES
    done = 0
    for number in (signal.SIGKILL, signal.SIGHUP, signal.SIGINT):
        worker = dtk.start("worker", "run")
        more = done + 5
        wait_until(lambda: _captions(dtk) > more, "it captions")  # noqa: B023
        (server,) = _servers(worker)
        worker.send_signal(number)
        worker.wait(timeout=60)
        wait_for_end(server)
        done = _captions(dtk)
    assert done < 2 * IMAGES, "it was ended in the middle each time"

    dtk.run("worker", "run", "--until-empty")

    assert dtk.look("status")["queue"]["failed"] == 0
    counts = dtk.ask("SELECT type, count(*), count(DISTINCT image_id) FROM current_caption GROUP BY 1 ORDER BY 1")
    assert counts == [(kind, IMAGES, IMAGES) for kind in sorted(TYPES)]
    (first,) = dtk.ask("SELECT min(image_id) FROM current_caption")[0]
    shown = dtk.look("show", str(first))["captions"]
    assert sorted(caption["type"] for caption in shown) == sorted(TYPES)
    assert {caption["source"] for caption in shown} == {"tiny-llava"}
