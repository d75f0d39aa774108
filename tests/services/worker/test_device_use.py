"""How busy the GPUs were, summed up by a worker and kept by day; the driver's report is put in its place."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from dtk_tui.config import Config
from dtk_tui.domain.job import WorkerState
from dtk_tui.domain.queue import DeviceUse
from dtk_tui.inference.devices.provider import gpu_report
from dtk_tui.services.work_done import work_done
from dtk_tui.services.worker import device_use, heartbeat
from dtk_tui.services.worker.device_use import DeviceUseMeter
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.queue import device_days
from tests.helpers.processes import wait_until
from tests.helpers.running_worker import one_value, worker


def _gpu(load: int | None, used: float | None = None, name: str = "NVIDIA H100") -> dict[str, object]:
    return {"name": name, "utilisation": load, "memory_used_gb": used, "memory_total_gb": used and 80.0}


def test_the_load_counts_for_the_time_since_the_last_look() -> None:
    meter = DeviceUseMeter()
    for now, load, used in ((100.0, 90, 1.0), (102.0, 50, 60.0), (106.0, 0, 7.0)):
        meter.look([_gpu(load, used), _gpu(None)], now)
    assert meter.uses == (DeviceUse(0, "NVIDIA H100", 6.0, 1.0, 60.0, 80.0),), "one that tells nothing is left out"
    meter.clear()
    assert meter.uses == ()
    meter.look([_gpu(100)], 107.0)
    assert [(use.observed_s, use.busy_s) for use in meter.uses] == [(1.0, 1.0)]


def test_time_in_which_nobody_looked_is_not_observed() -> None:
    meter = DeviceUseMeter()
    for now in (0.0, 5.0, 5000.0, 5002.0):
        meter.look([_gpu(100)], now)
    assert [use.observed_s for use in meter.uses] == [7.0]


def test_memory_alone_is_kept_without_a_load() -> None:
    meter = DeviceUseMeter()
    meter.look([_gpu(None, 3.0)], 0.0)
    meter.look([_gpu(None, 2.0)], 2.0)
    (use,) = meter.uses
    assert (use.load, use.observed_s, use.memory_peak_gb) == (None, 0.0, 3.0)


def _use(observed: float, busy: float, peak: float | None = None, device: int = 0) -> DeviceUse:
    return DeviceUse(device, "a \x00 GPU", observed, busy, peak, None)


def _set_back(conn: Connection, seconds: float) -> None:
    conn.execute("UPDATE device_day SET observed_until = observed_until - make_interval(secs => %s)", (seconds,))


def _midnight_is_far(conn: Connection) -> bool:
    row = conn.execute("SELECT extract(epoch FROM now() - date_trunc('day', now())) BETWEEN 600 AND 86000").fetchone()
    return row == (True,)


def test_seconds_are_added_up_by_day_host_and_device(db: Database) -> None:
    with db.connection() as conn:
        if not _midnight_is_far(conn):
            pytest.skip("what is of before midnight is left out: this day has hardly begun")
        device_days.add(conn, "studio", [_use(60, 30, 5.0), _use(60, 0, device=1)])
        _set_back(conn, 1000)
        device_days.add(conn, "studio", [_use(60, 60, 3.0)])
        device_days.add(conn, "attic", [_use(10, 1)])
        conn.execute("INSERT INTO device_day SELECT day - 3, host, device, name, 7, 7, 1, 2, at - interval '3 days'"
                     " FROM device_day, now() AS at WHERE host = 'attic'")  # fmt: skip
    done = work_done(db)
    told = [(one.day, one.host, one.use.device, one.use.observed_s, one.use.busy_s) for one in done.devices]
    assert told == [
        (done.today, "attic", 0, 10, 1),
        (done.today, "studio", 0, 120, 90),
        (done.today, "studio", 1, 60, 0),
        (done.today - timedelta(days=3), "attic", 0, 7, 7),
    ]
    assert done.devices[1].use == DeviceUse(0, "a \x00 GPU", 120, 90, 5.0, None)


def test_what_several_workers_of_a_host_saw_together_counts_once(db: Database) -> None:
    """Eight workers, one after the other within a moment, each having seen the same half minute."""

    def tell(number: int) -> None:
        with db.connection() as conn:
            device_days.add(conn, "studio", [_use(30, 15), _use(30, 30, device=1)])

    with db.connection() as conn:
        if not _midnight_is_far(conn):
            pytest.skip("what is of before midnight is left out: this day has hardly begun")
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(tell, range(8)))
    with db.connection() as conn:
        first, second = device_days.days(conn)
    assert 30 <= first.use.observed_s < 60, "30 s, and the moments between the eight"
    assert first.use.load == pytest.approx(0.5)
    assert second.use.load == pytest.approx(1.0)


@pytest.mark.usefixtures("quick_models")
def test_a_worker_keeps_it_as_it_ends_and_not_at_each_look(
    db: Database, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    written: list[int] = []
    add = device_days.add

    def report() -> tuple[dict[str, object], ...]:
        looks.append(1)
        return (_gpu(45, 12.5),)

    def counted(conn: Connection, host: str, uses: Sequence[DeviceUse]) -> None:
        written.append(1)
        add(conn, host, uses)

    monkeypatch.setattr(heartbeat, "gpu_report", report)
    monkeypatch.setattr(device_days, "add", counted)
    with worker(db, config):
        wait_until(lambda: len(looks) >= 3, "the worker looked three times")
    assert written == [1]
    (one,) = work_done(db).devices
    assert one.use.memory_peak_gb == 12.5
    assert one.use.load == pytest.approx(0.45)


@pytest.mark.usefixtures("quick_models")
def test_a_worker_adds_to_it_while_it_runs(db: Database, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "gpu_report", lambda: (_gpu(45),))
    monkeypatch.setattr(heartbeat, "_DEVICES_S", 0.0)
    with worker(db, config):
        wait_until(lambda: any(one.use.load for one in work_done(db).devices), "the load of a while is kept")


@pytest.mark.parametrize("gpus", [(), (_gpu(45),)], ids=["no GPU", "a GPU"])
def test_a_stopped_worker_looks_seldom_yet_misses_no_load(
    db: Database, config: Config, monkeypatch: pytest.MonkeyPatch, gpus: tuple[dict[str, object], ...]
) -> None:
    monkeypatch.setattr(heartbeat, "gpu_report", lambda: gpus)
    with worker(db, config, initial_state=WorkerState.STOPPED) as (engine, _):
        wait_until(lambda: engine._heartbeat._every_s > heartbeat._HEARTBEAT_S, "the worker rests")
        every_s = engine._heartbeat._every_s
    assert (every_s < device_use._UNSEEN_S) is bool(gpus)


@pytest.mark.usefixtures("quick_models")
def test_without_a_gpu_nothing_is_kept(db: Database, config: Config) -> None:
    if gpu_report():
        pytest.skip("there is a GPU here")
    with worker(db, config) as (engine, _):
        engine.wait_until_empty()
    assert one_value(db, "SELECT count(*) FROM device_day") == 0
    assert list(work_done(db).devices) == []
