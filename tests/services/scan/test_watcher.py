"""The watcher on real folders as they change."""

from __future__ import annotations

import errno
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from dtk_tui.config import Config
from dtk_tui.domain.events import Event, ProblemReported, ScanFinished
from dtk_tui.services.scan.mounts import is_network
from dtk_tui.services.scan.notifier import Notifier, open_notifier
from dtk_tui.services.scan.scanner import scan
from dtk_tui.services.scan.watcher import Watcher
from dtk_tui.store.database import Database
from dtk_tui.store.library import folders, images
from dtk_tui.store.scan import listings
from tests.helpers.pictures import infotext, write_png

Start = Callable[..., Watcher]
_MOMENTS = ("is not there any more", "is empty now")


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def start(db: Database, config: Config, tmp_path: Path, events: list[Event]) -> Iterator[Start]:
    started: list[Watcher] = []
    (tmp_path / "library").mkdir()

    def begin(watch: Callable[[list[str]], Notifier] = open_notifier) -> Watcher:
        watcher = Watcher(db, config, events.append, [str(tmp_path / "library")], poll_s=0.1, watch=watch)
        started.append(watcher)
        watcher.start()
        assert watcher.watching.wait(120)
        return watcher

    yield begin
    for watcher in started:
        watcher.close()


def _until(condition: Callable[[], bool], what: str, within_s: float = 120) -> None:
    end = time.monotonic() + within_s
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < end, f"never: {what}"
        pause.wait(0.02)


def _there(db: Database, path: Path | str) -> bool:
    with db.connection() as conn:
        number = images.find(conn, str(path))
        detail = None if number is None else images.detail(conn, number)
    return detail is not None and detail.scan_phase == 1 and not detail.unavailable


def _limit(_: list[str]) -> Notifier:
    raise OSError(errno.ENOSPC, "OS file watch limit reached.")


@pytest.mark.parametrize("watch", [open_notifier, _limit], ids=["inotify", "polling"])
def test_changes_are_followed(
    db: Database, start: Start, tmp_path: Path, events: list[Event], watch: Callable[[list[str]], Notifier]
) -> None:
    library = tmp_path / "library"
    first = write_png(library / "first.png", "first", seed=1)
    watcher = start(watch)
    assert watcher.notified is (watch is open_notifier)
    assert _there(db, first), "what was there before is scanned first"

    second = write_png(library / "new folder" / "deep" / "second.png", "second", seed=2)
    _until(lambda: _there(db, second), "a new file in a new folder")
    with db.connection() as conn:
        number = images.find(conn, str(first))
        conn.execute("UPDATE image SET rating = 5")
    first.rename(second.with_name("moved.png"))
    _until(lambda: _there(db, second.with_name("moved.png")), "a moved file")
    with db.connection() as conn:
        assert images.find(conn, str(second.with_name("moved.png"))) == number, "it keeps its row"
    (library / "new folder").rename(tmp_path / "away")
    _until(lambda: not _there(db, second), "a vanished folder")
    (tmp_path / "away").rename(library / "new folder")
    _until(lambda: _there(db, second), "a folder that came back")
    troubles = [event for event in events if isinstance(event, ProblemReported)]
    assert ["limit of watched folders" in event.title for event in troubles] == (
        [] if watch is open_notifier else [True]
    )


def test_a_file_that_is_written_again(db: Database, start: Start, tmp_path: Path) -> None:
    path = write_png(tmp_path / "library" / "a.png", "first", seed=1)
    start()

    def prompt() -> str | None:
        with db.connection() as conn:
            detail = images.detail(conn, images.find(conn, str(path)) or 0)
        return detail.prompt if detail else None

    write_png(path, "second", seed=2, size=(80, 80))
    _until(lambda: prompt() == "second", "the new prompt")


def test_names_that_are_not_utf8(db: Database, start: Start, tmp_path: Path) -> None:
    library = tmp_path / "library"
    good = write_png(tmp_path / "good.png", "odd", seed=1).read_bytes()
    start()
    odd = os.fsencode(library) + b"/caf\xe9.png"
    Path(os.fsdecode(odd)).write_bytes(good)
    _until(lambda: _there(db, os.fsdecode(odd)), "a name that is not UTF-8")
    later = write_png(library / "later.png", "later", seed=2)
    _until(lambda: _there(db, later), "a file after it")


def test_a_sidecar_that_comes_later(db: Database, start: Start, tmp_path: Path) -> None:
    path = write_png(tmp_path / "library" / "a.png")
    start()

    def prompt() -> str | None:
        with db.connection() as conn:
            detail = images.detail(conn, images.find(conn, str(path)) or 0)
        return detail.prompt if detail else None

    assert prompt() is None
    path.with_suffix(".txt").write_text(infotext("a red barn", 7))
    _until(lambda: prompt() == "a red barn", "what the sidecar says")
    path.with_suffix(".txt").write_text(infotext("a blue barn", 7))
    _until(lambda: prompt() == "a blue barn", "what it says now")
    path.with_suffix(".txt").unlink()
    _until(lambda: prompt() is None, "nothing says anything")


def test_one_root_on_a_network_leaves_the_others_their_news(
    db: Database, config: Config, tmp_path: Path, events: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dtk_tui.services.scan.watcher._SWEEP_S", 3600.0)  # else it would find everything in the end
    near, far = (write_png(tmp_path / name / "first.png", name, seed=1).parent for name in ("near", "far"))
    paths = [str(near), str(far)]
    asked: list[list[str]] = []

    def watch(watched: list[str]) -> Notifier:
        asked.append(watched)
        return open_notifier(watched)

    watcher = Watcher(db, config, events.append, paths, poll_s=0.1, watch=watch, network=lambda path: path == str(far))
    watcher.start()
    try:
        assert watcher.watching.wait(120)
        assert watcher.notified and asked == [[str(near)]]
        for folder in (near, far):
            later = write_png(folder / "below" / "later.png", folder.name, seed=2)
            _until(partial(_there, db, later), f"a file in {folder.name}")
            again = write_png(folder / "below" / "again.png", folder.name, seed=3)
            _until(partial(_there, db, again), f"a file in the new folder of {folder.name}")
        with (near / "first.png").open("ab") as file:
            file.write(b"changed in place, which no folder time tells")
        size = (near / "first.png").stat().st_size

        def seen() -> bool:
            with db.connection() as conn:
                detail = images.detail(conn, images.find(conn, str(near / "first.png")) or 0)
            return detail is not None and detail.file_size == size

        _until(seen, "a change in place in the folder that is watched")
    finally:
        watcher.close()
    troubles = [event for event in events if isinstance(event, ProblemReported)]
    assert [str(far) in event.detail for event in troubles] == [True]


def test_network_file_systems_are_known(tmp_path: Path) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(
        "22 1 253:0 / / rw - ext4 /dev/vda rw\n"
        "30 22 0:45 / /mnt/my\\040photos rw shared:1 - nfs4 box:/photos rw\n"
        "31 22 0:46 / /mnt/local rw - xfs /dev/vdb rw\n"
        "32 30 0:47 / /mnt/my\\040photos/scratch rw - tmpfs tmpfs rw\n"
    )
    assert is_network("/mnt/my photos/2025", table)
    assert not is_network("/mnt/my photos/scratch/a", table)
    assert not is_network("/mnt/local/a", table)
    assert not is_network("/mnt/my photos 2", table)
    assert not is_network("/home", tmp_path / "missing")


def test_a_root_that_is_replaced_or_added(
    db: Database, config: Config, tmp_path: Path, events: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dtk_tui.services.scan.watcher._SWEEP_S", 3600.0)  # else it would find everything in the end
    library, other = tmp_path / "library", tmp_path / "other"
    first = write_png(library / "first.png", "first", seed=1)
    watcher = Watcher(db, config, events.append, poll_s=0.1)
    watcher.start()
    try:
        assert watcher.watching.wait(120), "a library without folders is watched as well"
        scan(db, config, [str(library)])
        _until(lambda: watcher.notified, "a root that was added")
        library.rename(tmp_path / "away")
        second = write_png(library / "second.png", "second", seed=2)
        _until(lambda: _there(db, second) and not _there(db, first), "another folder in the place of a root")
        third = write_png(library / "third.png", "third", seed=3)
        _until(lambda: _there(db, third), "a file in the new folder")
        shutil.rmtree(library)
        again = write_png(library / "again/first.png", "again", seed=6)
        _until(lambda: _there(db, again) and not _there(db, third), "a new folder where one was deleted")
        later = write_png(library / "again/later.png", "later", seed=7)
        _until(lambda: _there(db, later), "a file in that one")
        with db.listener() as another_scan:
            listings.announce(another_scan)
            with db.connection() as conn:
                folders.add_root(conn, str(write_png(other / "fourth.png", "fourth", seed=4).parent))
            fifth = write_png(library / "fifth.png", "fifth", seed=5)
            _until(lambda: _there(db, fifth), "a known folder, while a scan is under way elsewhere")
            assert not _there(db, other / "fourth.png"), "a new root is left to the scan that brought it"
        _until(lambda: _there(db, other / "fourth.png"), "a root whose scan was ended")
    finally:
        watcher.close()
    # The watcher may look in the moment in which that place has no folder, or one that is emptied.
    problems = [event.title for event in events if isinstance(event, ProblemReported)]
    assert not [title for title in problems if not any(moment in title for moment in _MOMENTS)]
    assert all(event.watched for event in events if isinstance(event, ScanFinished))


def test_a_root_that_vanishes_is_spoken_of(db: Database, start: Start, tmp_path: Path, events: list[Event]) -> None:
    library = tmp_path / "library"
    write_png(library / "deep" / "one.png", "a lamp")
    start()
    library.rename(tmp_path / "away")
    _until(lambda: any(isinstance(e, ScanFinished) and e.counts.get("gone") == 1 for e in events), "one is gone")
    told = [e.title for e in events if isinstance(e, ProblemReported)]
    assert told == [f"The folder {library} is not there any more: its 1 image counts as gone."]


@pytest.mark.parametrize("roots", [1, 3])
def test_roots_that_are_not_there_at_the_start_are_spoken_of_once(
    db: Database, config: Config, tmp_path: Path, events: list[Event], roots: int
) -> None:
    for number in range(roots):
        write_png(tmp_path / f"disk{number}" / "one.png", "a lamp", seed=number)
        scan(db, config, [str(tmp_path / f"disk{number}")])
        (tmp_path / f"disk{number}").rename(tmp_path / f"away{number}")
    watcher = Watcher(db, config, events.append, poll_s=0.1)
    watcher.start()
    try:
        assert watcher.watching.wait(120)
        (told,) = [e.title for e in events if isinstance(e, ProblemReported)]
        assert str(tmp_path / "disk0") in told
        assert ("3 roots of the library are not there" in told) == (roots == 3)
        (tmp_path / "away0").rename(tmp_path / "disk0")
        write_png(tmp_path / "disk0" / "two.png", "two lamps", seed=9)
        _until(lambda: _there(db, tmp_path / "disk0" / "two.png"), "the disk is mounted")
    finally:
        watcher.close()
