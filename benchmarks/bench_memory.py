"""Resident memory of a worker's process: before it starts, running, paused, stopped, and the same once more.

The worker follows the desired state in the database, like every worker; nothing else is changed between the lines.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from workload import home, write_library

IMAGES = 120
_TIMEOUT_S = 120.0
_WORKER = """
import sys
from dtk_tui.config import load
from dtk_tui.services.worker.engine import Engine
from dtk_tui.store.database import Database
config = load()
db = Database.open(config)
engine = Engine(db, config)
engine.open()
print("open", flush=True)
sys.stdin.read()
engine.close()
db.close()
"""


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1e3
    raise SystemExit("this system does not tell the resident memory")


def wait(condition: Callable[[], bool], what: str) -> None:
    """Wait until something holds."""
    until = time.monotonic() + _TIMEOUT_S
    while not condition():
        if time.monotonic() > until:
            raise SystemExit(f"never: {what}")
        time.sleep(0.1)


def main() -> None:
    """Drive one worker through its states and print what it occupies in each."""
    with TemporaryDirectory(prefix="dtk-bench-") as folder, home() as place:
        write_library(Path(folder) / "library", IMAGES, 4)
        place.dtk("scan", str(Path(folder) / "library"))
        place.dtk("worker", "stop")

        def status() -> Any:
            return json.loads(place.dtk("status", "--json"))

        worker = subprocess.Popen(
            [sys.executable, "-c", _WORKER],
            env=place.environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        try:
            if worker.stdout is None or worker.stdin is None or not worker.stdout.readline():
                raise SystemExit("the worker did not start")
            print(f"resident memory of the worker's process, MB\n  {'before start':<26}{resident_mb(worker.pid):8.0f}")
            for turn in ("", ", second time"):
                place.dtk("queue", "add", "--all", "--kind", "tag,embed", "--again")
                place.dtk("worker", "start")
                wait(lambda: 0 < status()["queue"]["pending"] < 2 * IMAGES - 80, "the work began")
                print(f"  {'running' + turn:<26}{resident_mb(worker.pid):8.0f}")
                for command, state in (("pause", "paused"), ("stop", "stopped")):
                    place.dtk("worker", command)
                    wait(lambda state=state: status()["worker"]["state"] == state, state)  # type: ignore[misc]
                    print(f"  {state + turn:<26}{resident_mb(worker.pid):8.0f}")
        finally:
            worker.communicate(timeout=60)


if __name__ == "__main__":
    main()
