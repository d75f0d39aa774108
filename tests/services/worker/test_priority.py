"""The scheduling priority of a worker: of its threads alone, and of a session that is its own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from dtk_tui.config import Config
from dtk_tui.domain.job import Kind
from dtk_tui.services.queue import enqueue
from dtk_tui.services.scan.scanner import scan
from dtk_tui.services.worker.priority import Niceness, lower_thread_priority
from dtk_tui.store.database import Database
from tests.helpers.pictures import write_many
from tests.helpers.running_worker import EVERYTHING, wait_for_jobs, worker

_PROGRAM = """
import os
from pathlib import Path
from dtk_tui.services.worker.priority import lower_session_priority
{fork}
lower_session_priority(7)
print(Path("/proc/self/autogroup").read_text().split()[-1])
"""
#: The process that asks is not the one that began the session.
_FORK = "if os.fork(): os.wait(); os._exit(0)"


def _scheduled() -> tuple[int, int]:
    """Return niceness and policy of the calling thread, and of no other."""
    thread = threading.get_native_id()
    return os.getpriority(os.PRIO_PROCESS, thread), os.sched_getscheduler(thread)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other schedulers")
def test_only_the_thread_that_asks_and_its_children_step_back() -> None:
    before = _scheduled()
    found = []

    def work() -> None:
        lower_thread_priority(0)
        found.append(_scheduled())
        lower_thread_priority(19)
        child = threading.Thread(target=lambda: found.append(_scheduled()))
        child.start()
        child.join()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [before, (19, os.SCHED_BATCH)]
    assert _scheduled() == before


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other schedulers")
@pytest.mark.usefixtures("quick_models")
def test_what_infers_steps_back_further_than_what_loads(db: Database, config: Config, tmp_path: Path) -> None:
    write_many(tmp_path / "library", 6)
    scan(db, config, [str(tmp_path / "library")])
    enqueue(db, config, EVERYTHING, [Kind.TAG])
    before = _scheduled()
    with worker(db, config, niceness=Niceness(inference=19, others=10)) as (engine, _):
        wait_for_jobs(engine)
        found: dict[str, set[int]] = {}
        for thread in threading.enumerate():
            stage = thread.name.rstrip("-0123456789")
            assert thread.native_id is not None
            found.setdefault(stage, set()).add(os.getpriority(os.PRIO_PROCESS, thread.native_id))
    stages = {"dtk-device": {19}, "dtk-load": {10}, "dtk-claim": {10}, "dtk-save": {10}}
    assert {stage: found.get(stage) for stage in stages} == stages
    assert found["MainThread"] == {before[0]} == {_scheduled()[0]}


@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="the kernel has no groups of sessions")
@pytest.mark.parametrize(("fork", "niceness"), [("", "7"), (_FORK, "0")])
def test_only_a_session_of_its_own_steps_back(fork: str, niceness: str) -> None:
    program = [sys.executable, "-c", _PROGRAM.format(fork=fork)]
    done = subprocess.run(program, capture_output=True, text=True, check=True, start_new_session=True)
    assert done.stdout.strip() == niceness
