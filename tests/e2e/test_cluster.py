"""Two nodes of a Ray cluster on this machine drain one queue: a worker and a node are killed, others come and go.

In the suite it is small; the whole of it is ``DTK_CLUSTER_IMAGES=1000 pytest tests/e2e/test_cluster.py --timeout=0``.
"""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Dtk
from tests.helpers.paths import REPOSITORY
from tests.helpers.pictures import write_png
from tests.helpers.processes import children_of, is_running, wait_until

pytest.importorskip("ray", reason="the extra cluster is not installed")
pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="there is no /proc")

IMAGES = int(os.environ.get("DTK_CLUSTER_IMAGES", "150"))
_SECRETS = {"PGPASSWORD": "hush-pg", "HF_TOKEN": "hush-hub", "OPENAI_API_KEY": "hush-key"}
_ALIVE = "SELECT id, pid FROM worker WHERE lease_until > clock_timestamp() ORDER BY id"
_DONE_BY = "SELECT count(*) FROM job_log WHERE worker_id = "


def _workers(overview: Any) -> list[tuple[str, list[str]]]:
    return [(worker["node"], worker["devices"]) for worker in overview["workers"]]


def _descendants(pid: int) -> list[int]:
    found = [pid]
    for number in found:
        try:
            found += children_of(number)
        except OSError:
            continue  # it has ended
    return found


def _told(pids: list[int]) -> str:
    """Return the command lines and the environment of processes, as other programs of the user see them."""
    told = []
    for pid in pids:
        for name in ("cmdline", "environ"):
            try:
                told.append(Path(f"/proc/{pid}/{name}").read_bytes().decode(errors="replace"))
            except OSError:
                continue
    return "\n".join(told)


@pytest.mark.slow
def test_nodes_come_and_go_and_everything_is_done_once(dtk: Dtk, tmp_path: Path, quick_models: Path) -> None:
    library = tmp_path / "library"
    for number in range(IMAGES):
        write_png(library / f"{number:05d}.png", f"a thing of kind {number % 40}, painted", number, (384, 384))
    (dtk.home / "config.toml").write_text("[worker]\nlease_s = 2.0\nbatch_size = 4\n")
    dtk.environ |= {
        **_SECRETS,
        "DTK_MODELS": str(quick_models),
        "PYTHONPATH": str(REPOSITORY),
    }
    dtk.run("db", "start")
    dtk.run("scan", str(library))
    record = dtk.home / "cluster.json"

    def left() -> int:
        return int(dtk.ask("SELECT count(*) FROM job")[0][0])

    def both_work() -> bool:
        alive = dtk.ask(_ALIVE)
        return len(alive) == 2 and all(dtk.ask(f"{_DONE_BY}{number}")[0][0] for number, _ in alive)

    try:
        first = dtk.json("cluster", "up", "--local", "2")
        assert len(first["nodes"]) == 2 and len({node for node, _ in _workers(first)}) == 2, first
        held = [pid for one in json.loads(record.read_text())["nodes"] for pid in _descendants(one["pid"])]
        assert {pid for _, pid in dtk.ask(_ALIVE)} <= set(held), "the workers are the actors' own processes"

        dtk.run("queue", "add", "--all", "--kind", "tag")
        wait_until(both_work, "both work")
        seen = _told(held)
        folder = Path(json.loads(record.read_text())["folder"])
        written = [file for file in folder.rglob("*") if file.is_file() and b"hush" in file.read_bytes()]
        assert "hush" not in seen and not written

        killed, pid = dtk.ask(_ALIVE)[0]
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: killed not in dict(dtk.ask(_ALIVE)) and len(dtk.ask(_ALIVE)) == 2, "Ray restarts the worker")
        again = dtk.ask(_ALIVE)
        os.kill(json.loads(record.read_text())["nodes"][1]["pid"], signal.SIGKILL)
        wait_until(lambda: len(dtk.ask(_ALIVE)) == 1, "the worker of the dead node loses its lease")
        if IMAGES >= 1000:
            assert left(), "the node died in the middle"
        # Ray takes longer to find that a node is dead than a lease takes to lapse.
        wait_until(lambda: len(dtk.json("cluster", "status")["nodes"]) == 1, "Ray finds the node dead")
        status = dtk.json("cluster", "status")
        assert sorted(worker["state"] for worker in status["workers"])[-1] == "waiting", status

        dtk.run("queue", "add", "--all", "--kind", "embed")
        third = dtk.json("cluster", "up", "--local", "3")
        assert len(third["nodes"]) == 3 and len({node for node, _ in _workers(third)}) == 3, third
        was_busy = left()
        fewer = dtk.json("cluster", "up", "--local", "1")
        assert len(fewer["nodes"]) == 1 and len(fewer["workers"]) == 1, fewer
        if IMAGES >= 1000:
            assert was_busy, "it grew while there was work"
        assert len(dtk.ask(_ALIVE)) == 1 and set(dict(dtk.ask(_ALIVE))) <= set(dict(again)), "the first one stays"
        assert dtk.ask("SELECT count(*) FROM job WHERE deaths > 1") == [(0,)], "who is drained gives back what it holds"

        wait_until(lambda: not left(), "the queue drains", 600)
        outcomes = dtk.ask("SELECT outcome, count(*), count(DISTINCT (kind, image_id)) FROM job_log GROUP BY 1")
        assert outcomes == [("done", 2 * IMAGES, 2 * IMAGES)], "nothing failed, nothing twice"
        assert dtk.ask("SELECT count(*) FROM image_vector JOIN image ON image.id = image_id") == [(IMAGES,)]
        (node,) = json.loads(record.read_text())["nodes"]
        held = _descendants(node["pid"])
    finally:
        dtk.run("cluster", "down")
    wait_until(lambda: not any(is_running(pid) for pid in held), "every process of the cluster has ended", 60)
    assert not folder.exists() and not record.exists()
    assert dtk.ask("SELECT count(*) FROM worker") == [(0,)], "they signed off"
    assert not dtk.run("cluster", "status", status=1).startswith("{")
