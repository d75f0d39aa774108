"""Files that are not there: a disk that is away is waited for, a file that is gone fails until a scan finds it."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dtk_tui.cli.application import application
from dtk_tui.config import Config
from dtk_tui.domain.events import Event, ProblemReported
from dtk_tui.domain.job import JobState, Kind
from dtk_tui.domain.queue import JobRow
from dtk_tui.services.queue import enqueue
from dtk_tui.services.scan.scanner import scan
from dtk_tui.services.stats import snapshot
from dtk_tui.services.worker import heartbeat
from dtk_tui.services.worker.files import away as away_module
from dtk_tui.services.worker.files.away import Probe, why_away
from dtk_tui.services.worker.handlers import registry
from dtk_tui.store.database import Database
from dtk_tui.store.queue import jobs
from dtk_tui.store.queue.missing import ImagePlace, PlaceFolder
from tests.helpers.pictures import write_many, write_png
from tests.helpers.plain_handler import DigestHandler, digest_of
from tests.helpers.running_worker import EVERYTHING, one_value, worker

SEEN = "SELECT count(*) FROM seen"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, db: Database) -> None:
    """A worker that needs no model, and looks often."""
    DigestHandler.make_table(db)
    monkeypatch.setattr(registry, "HANDLERS", (DigestHandler,))
    monkeypatch.setattr(away_module, "_LOOK_S", 0.05)
    monkeypatch.setattr(away_module, "_COUNT_S", 0.1)
    monkeypatch.setattr(heartbeat, "_HEARTBEAT_S", 0.1)


def _queue(db: Database, config: Config, *libraries: Path) -> None:
    scan(db, config, [str(library) for library in libraries])
    enqueue(db, config, EVERYTHING, [Kind.TAG])


def _jobs(db: Database) -> list[JobRow]:
    with db.connection() as conn:
        return jobs.rows(conn, jobs.page_ids(conn).tolist())


def _seen(db: Database) -> dict[str, str]:
    """Return the digests that were written, by the present paths of the images."""
    sql = (
        "SELECT folder.path || '/' || file_name, digest"
        " FROM seen JOIN image ON image.id = image_id JOIN folder ON folder.id = folder_id"
    )
    with db.connection() as conn:
        return dict(conn.execute(sql.encode()).fetchall())


def _problems(events: list[Event]) -> list[str]:
    return [event.title for event in events if isinstance(event, ProblemReported)]


@pytest.mark.parametrize("empty", [False, True])
def test_a_root_that_is_away_is_waited_for_and_the_others_go_on(
    db: Database, config: Config, tmp_path: Path, empty: bool
) -> None:
    disk, other = tmp_path / "disk", tmp_path / "other"
    write_many(disk / "below", 40)
    write_many(other, 10, first=5000)
    _queue(db, config, disk, other)
    disk.rename(tmp_path / "unmounted")
    if empty:
        disk.mkdir()
    with worker(db, config) as (engine, news):
        news.wait_for(lambda _: one_value(db, SEEN) == 10 and [one.jobs for one in snapshot(db).away] == [40])
        (waiting,) = snapshot(db).away
        why = "is empty" if empty else "is not there"
        assert (waiting.path, waiting.reason, waiting.jobs) == (str(disk), why, 40)
        assert {(job.state, job.attempts, job.error) for job in _jobs(db)} == {(JobState.PENDING, 0, None)}
        assert not engine.throughput.failed
        environ = {"DTK_HOME": str(tmp_path), "DTK_DATABASE_URL": config.database_url}
        told = CliRunner().invoke(application, ["status"], env=environ).output
        assert f"Away     {disk} {why}: 40 jobs wait for it\n" in told and "ETA -" in told
        if empty:
            disk.rmdir()
        (tmp_path / "unmounted").rename(disk)
        engine.wait_until_empty()
        news.wait_for(lambda events: len(_problems(events)) == 2)
        news.wait_for(lambda _: not snapshot(db).away)
    assert one_value(db, SEEN) == 50
    assert _problems(news.events) == [
        f"The folder {disk} {why}: what is queued for it waits.",
        f"The folder {disk} is there again.",
    ]


def test_a_scan_of_an_empty_mount_point_changes_nothing_of_that(db: Database, config: Config, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    write_many(disk, 5)
    _queue(db, config, disk)
    disk.rename(tmp_path / "unmounted")
    disk.mkdir()
    scan(db, config, [str(disk)])
    with worker(db, config) as (engine, news):
        news.wait_for(lambda _: bool(snapshot(db).away))
        assert {job.state for job in _jobs(db)} == {JobState.PENDING}
        disk.rmdir()
        (tmp_path / "unmounted").rename(disk)
        engine.wait_until_empty()
    assert one_value(db, SEEN) == 5


def test_a_folder_that_is_away_is_waited_for_until_a_scan_knows_better(
    db: Database, config: Config, tmp_path: Path
) -> None:
    library = tmp_path / "library"
    write_many(library / "set", 3)
    write_png(library / "one.png", "one", 99)
    _queue(db, config, library)
    (library / "set").rename(tmp_path / "elsewhere")
    with worker(db, config) as (engine, news):
        news.wait_for(lambda _: [one.path for one in snapshot(db).away] == [str(library / "set")])
        scan(db, config, [str(library)])
        engine.wait_until_empty()
        news.wait_for(lambda _: not snapshot(db).away)
        assert [job.state for job in _jobs(db)] == [JobState.FAILED] * 3
        (tmp_path / "elsewhere").rename(library / "renamed")  # with all rows, as moved
        scan(db, config, [str(library)])
        engine.wait_until_empty()
    assert one_value(db, SEEN) == 4 and not _jobs(db)


def test_a_folder_renamed_before_its_turn_goes_on_where_a_scan_finds_it(
    db: Database, config: Config, tmp_path: Path
) -> None:
    library = tmp_path / "library"
    write_many(library / "set", 3)
    write_png(library / "one.png", "one", 99)
    _queue(db, config, library)
    (library / "set").rename(library / "renamed")
    with worker(db, config) as (engine, news):
        news.wait_for(lambda _: bool(snapshot(db).away))
        scan(db, config, [str(library)])
        engine.wait_until_empty()
    assert one_value(db, SEEN) == 4 and one_value(db, "SELECT count(*) FROM job_log WHERE outcome = 'failed'") == 0


@pytest.mark.parametrize("how", ["renamed", "moved", "back", "back after a scan", "another of that name"])
def test_a_file_that_alone_is_gone_fails_until_a_scan_finds_it(
    db: Database, config: Config, tmp_path: Path, how: str
) -> None:
    library, other = tmp_path / "library", tmp_path / "other"
    gone, *_ = write_many(library, 3)
    write_png(other / "x.png", "x", 7)
    _queue(db, config, library, other)
    kept = gone.rename(tmp_path / "kept.png")
    with worker(db, config) as (engine, _):
        engine.wait_until_empty()
        (job,) = _jobs(db)
        assert job.state == JobState.FAILED and job.error == f"{gone} is not there any more."
        if how == "back after a scan":
            scan(db, config, [])
        goal = {"renamed": library / "new.png", "moved": other / "moved.png"}.get(how, gone)
        if how == "another of that name":
            write_png(gone, "another", 1234)
        else:
            kept.rename(goal)
        scan(db, config, [])
        engine.wait_until_empty()
        assert not _jobs(db)
        assert not snapshot(db).away
    number = job.image_id
    with db.connection() as conn:
        found = conn.execute("SELECT digest FROM seen WHERE image_id = %s", (number,)).fetchall()
    assert found == [(digest_of(str(goal)),)]
    assert one_value(db, SEEN) == 4


def test_what_moved_while_it_was_claimed_is_not_blamed(
    db: Database, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path / "library"
    (path,) = write_many(library, 1)
    write_png(library / "other.png", "other", 5)
    _queue(db, config, library)
    real = DigestHandler.load
    moving = threading.Lock()

    def late(self: DigestHandler, job: object) -> object:
        with moving:  # nobody looks for the file before the scan has found it
            if path.exists():
                path.rename(library / "moved.png")
                scan(db, config, [str(library)])
        return real(self, job)  # type: ignore[arg-type]

    monkeypatch.setattr(DigestHandler, "load", late)
    with worker(db, config) as (engine, _):
        engine.wait_until_empty()
        assert (engine.throughput.processed, engine.throughput.failed) == (2, 0)
    assert one_value(db, "SELECT count(*) FROM job_log WHERE outcome <> 'done'") == 0


def test_a_file_that_has_another_content_than_the_scan_read_gets_no_result_of_it(
    db: Database, config: Config, tmp_path: Path
) -> None:
    library = tmp_path / "library"
    one, other, _ = write_many(library, 3)
    _queue(db, config, library)
    one.rename(tmp_path / "between")  # exchanged: each would get the result of the other
    other.rename(one)
    (tmp_path / "between").rename(other)
    with worker(db, config) as (engine, _):
        engine.wait_until_empty()
        assert {job.error for job in _jobs(db)} == {
            f"{path} has changed since it was scanned. Scan again: dtk scan" for path in (one, other)
        }
        scan(db, config, [])
        engine.wait_until_empty()
    assert not _jobs(db)
    assert _seen(db) == {str(path): digest_of(str(path)) for path in library.iterdir()}


def test_what_a_scan_finds_changed_while_it_is_worked_on_is_done_again(
    db: Database, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path / "library"
    (path,) = write_many(library, 1)
    _queue(db, config, library)
    real, times = DigestHandler.infer, []

    def late(self: DigestHandler, batch: object) -> object:
        if not times:
            write_png(path, "another", 77)
            scan(db, config, [str(library)])
        times.append(1)
        return real(self, batch)  # type: ignore[arg-type]

    monkeypatch.setattr(DigestHandler, "infer", late)
    with worker(db, config) as (engine, _):
        engine.wait_until_empty()
    assert len(times) == 2 and _seen(db) == {str(path): digest_of(str(path))}


def test_a_picture_that_was_half_copied_is_tried_again_when_it_is_whole(
    db: Database, config: Config, tmp_path: Path
) -> None:
    library = tmp_path / "library"
    path, _ = write_many(library, 2)
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    _queue(db, config, library)
    with worker(db, config) as (engine, _):
        engine.wait_until_empty()
        assert [job.state for job in _jobs(db)] == [JobState.FAILED]
        path.write_bytes(whole)
        scan(db, config, [])
        engine.wait_until_empty()
    assert len(_seen(db)) == 2 and not _jobs(db)


def test_why_a_folder_is_away(tmp_path: Path) -> None:
    assert why_away(str(tmp_path / "none")) == "is not there"
    (tmp_path / "file").touch()
    assert why_away(str(tmp_path / "file")) == "is no folder any more"
    (tmp_path / "point" / ".hidden").mkdir(parents=True)
    assert why_away(str(tmp_path / "point")) == "is empty"
    assert why_away(str(tmp_path)) is None
    if os.geteuid():
        (tmp_path / "point").chmod(0)
        assert why_away(str(tmp_path / "point")) == "cannot be read (Permission denied)"
        (tmp_path / "point").chmod(0o700)


def test_a_folder_that_does_not_answer_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    monkeypatch.setattr(away_module, "why_away", lambda path: None if path == "/root" else gate.wait(60) and None)
    monkeypatch.setattr(away_module, "_ANSWER_S", 0.05)
    folders = (PlaceFolder(1, "/root", True), PlaceFolder(2, "/root/share", False))
    probe = Probe(ImagePlace("/root/share/a.png", False, folders), str)
    probe.wait()
    assert probe.is_over and not probe.has_answered
    assert probe.away == (folders[1], "does not answer")
    gate.set()
    probe.wait()
