"""Files that took each other's names while nobody looked: what is known follows the content."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from dtk_tui.config import Config
from dtk_tui.domain.events import Event, ProblemReported
from dtk_tui.services.scan import deep_phase
from dtk_tui.services.scan.dry_run import dry_run
from dtk_tui.services.scan.scanner import Scan, scan
from dtk_tui.store.database import Database
from dtk_tui.store.library import images
from tests.helpers import small_pngs


class Known(NamedTuple):
    """What a person sees of an image, and would miss."""

    id: int
    rating: int | None
    prompt: str | None
    tags: tuple[str, ...]
    albums: tuple[str, ...]
    embedded: tuple[str, ...]
    unavailable: bool


def _known(db: Database, path: Path) -> Known:
    with db.connection() as conn:
        number = images.find(conn, str(path))
        assert number is not None, f"{path} is not in the library"
        found = images.detail(conn, number)
    assert found is not None
    return Known(
        found.id,
        found.rating,
        found.prompt,
        tuple(tag.name for tag in found.tags),
        tuple(found.albums),
        found.embedded,
        found.unavailable,
    )


def _library(db: Database, config: Config, *files: Path) -> dict[Path, Known]:
    """Write files, scan them and give each a rating, a tag, an album, a caption and a vector of its own."""
    for number, path in enumerate(files):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(small_pngs.png(f"subject {number}", number))
        os.utime(path, ns=(1, 1_700_000_000_000_000_000 + number))
    scan(db, config, sorted({str(path.parent) for path in files}))
    with db.connection() as conn:
        conn.execute("UPDATE image SET rating = seed + 1")
        conn.execute("INSERT INTO tag (name) SELECT 'tag ' || seed FROM image")
        conn.execute(
            "INSERT INTO image_tag (image_id, tag_id, source, confidence)"
            " SELECT image.id, tag.id, 't', 0.9 FROM image JOIN tag ON tag.name = 'tag ' || seed"
        )
        conn.execute("INSERT INTO album (name) SELECT 'album ' || seed FROM image")
        conn.execute(
            "INSERT INTO album_image (album_id, image_id)"
            " SELECT album.id, image.id FROM image JOIN album ON album.name = 'album ' || seed"
        )
        conn.execute("SELECT dtk_embedding_space('v', 'image', 'v', 'x', 3)")
        conn.execute(
            "INSERT INTO image_vector SELECT space.id, image.id, '[1,2,3]'::halfvec FROM image, embedding_space space"
        )
    return {path: _known(db, path) for path in files}


def _turn(*ring: Path) -> None:
    """Give each file the name of the next, the last that of the first; sizes and times go along."""
    aside = ring[-1].with_name("aside")
    ring[-1].rename(aside)
    for here, there in reversed(list(pairwise(ring))):
        here.rename(there)
    aside.rename(ring[0])


def _scan_as_foreseen(db: Database, config: Config, *folders: Path) -> dict[str, float]:
    paths = [str(folder) for folder in folders]
    foreseen = dry_run(db, config, paths)
    run = Scan(db, config)
    counts = run.run(paths)
    del counts["seconds"]
    assert {key: foreseen[key] for key in counts} == counts, "a dry run says what will be"
    again = scan(db, config, paths)
    assert again["unchanged"] == again["seen"]
    return counts


@pytest.mark.parametrize("size", [2, 3, 5])
@pytest.mark.parametrize("batch", [20_000, 1], ids=["one batch", "a batch each"])
def test_a_ring_of_names_follows_the_content(
    db: Database, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, batch: int
) -> None:
    ring = [tmp_path / ("one" if n % 2 else "two") / "below" / f"{n}.png" for n in range(size)]
    before = _library(db, config, *ring)
    monkeypatch.setattr(deep_phase, "_WRITE_ROWS", batch)
    monkeypatch.setattr(deep_phase, "_WRITE_BYTES", 1 if batch == 1 else 1 << 24)
    _turn(*ring)
    counts = _scan_as_foreseen(db, config, tmp_path / "one" / "below", tmp_path / "two" / "below")
    assert (counts["moved"], counts["added"], counts["updated"]) == (size, 0, 0)
    for here, there in zip(ring, [*ring[1:], ring[0]], strict=True):
        assert _known(db, there) == before[here]
    with db.connection() as conn:
        assert conn.execute("SELECT count(*), count(*) FILTER (WHERE unavailable) FROM image").fetchone() == (size, 0)


@pytest.mark.parametrize("alike", ["size", "time"])
def test_a_swap_of_files_that_look_alike(db: Database, config: Config, tmp_path: Path, alike: str) -> None:
    first, second = tmp_path / "a.png", tmp_path / "b.png"
    before = _library(db, config, first, second)
    if alike == "time":
        second.write_bytes(small_pngs.png("a subject that is longer", 1))
        for path in (first, second):
            os.utime(path, ns=(1, 1_700_000_000_000_000_000))
        scan(db, config, [str(tmp_path)])
        before = {path: _known(db, path) for path in (first, second)}
    else:
        assert first.stat().st_size == second.stat().st_size
    _turn(first, second)
    assert _scan_as_foreseen(db, config, tmp_path)["moved"] == 2
    assert (_known(db, first), _known(db, second)) == (before[second], before[first])


def test_a_new_file_under_the_name_of_one_that_moved(db: Database, config: Config, tmp_path: Path) -> None:
    first = tmp_path / "a.png"
    before = _library(db, config, first)
    moved = first.rename(tmp_path / "c.png")
    first.write_bytes(small_pngs.png("something new", 77))
    counts = _scan_as_foreseen(db, config, tmp_path)
    assert (counts["moved"], counts["added"], counts["updated"]) == (1, 0, 1)
    assert _known(db, moved) == before[first]
    new = _known(db, first)
    assert (new.prompt, new.rating, new.tags, new.albums, new.embedded) == ("something new", None, (), (), ())


def test_a_file_is_overwritten_by_one_whose_name_a_new_file_took(db: Database, config: Config, tmp_path: Path) -> None:
    first, second = tmp_path / "a.png", tmp_path / "b.png"
    before = _library(db, config, first, second)
    lost = second.read_bytes()
    first.rename(second)
    first.write_bytes(small_pngs.png("something new", 77))
    counts = _scan_as_foreseen(db, config, tmp_path)
    assert (counts["moved"], counts["added"], counts["updated"]) == (1, 0, 1)
    assert _known(db, second) == before[first]
    assert (_known(db, first).prompt, _known(db, first).rating) == ("something new", None)

    back = tmp_path / "from the backup.png"
    back.write_bytes(lost)
    assert _scan_as_foreseen(db, config, tmp_path)["moved"] == 1
    assert _known(db, back) == before[second], "what was overwritten is remembered until it is pruned"


def test_a_swap_with_a_root_that_is_not_scanned(db: Database, config: Config, tmp_path: Path) -> None:
    first, second = tmp_path / "one" / "a.png", tmp_path / "two" / "b.png"
    before = _library(db, config, first, second)
    _turn(first, second)
    counts = scan(db, config, [str(first.parent)])
    assert (counts["seen"], counts["moved"], counts["updated"], counts["unchanged"]) == (1, 1, 0, 0)
    assert (_known(db, first), _known(db, second)) == (before[second], before[first])
    assert scan(db, config, [str(second.parent)])["unchanged"] == 1


def test_true_copies_stay_where_they_are_and_keep_their_names(db: Database, config: Config, tmp_path: Path) -> None:
    first, second = tmp_path / "x" / "a.png", tmp_path / "x" / "b.png"
    before = _library(db, config, first, second)
    second.write_bytes(first.read_bytes())
    scan(db, config, [str(first.parent)])
    assert _known(db, first) == before[first], "a copy over another file takes nothing away"
    before = {path: _known(db, path) for path in (first, second)}
    (tmp_path / "x").rename(tmp_path / "y")
    counts = _scan_as_foreseen(db, config, tmp_path)
    assert (counts["moved"], counts["added"]) == (2, 0)
    for path, known in before.items():
        assert _known(db, tmp_path / "y" / path.name) == known, "of two copies each is the one of its name"


def test_what_is_gone_beside_a_swap_is_counted(db: Database, config: Config, tmp_path: Path) -> None:
    first, second, third = (tmp_path / name for name in ("a.png", "b.png", "c.png"))
    _library(db, config, first, second, third)
    _turn(first, second)
    third.unlink()
    counts = _scan_as_foreseen(db, config, tmp_path)
    assert (counts["moved"], counts["gone"]) == (2, 1)


def test_moves_that_an_interrupted_scan_has_listed(db: Database, config: Config, tmp_path: Path) -> None:
    first, second, third = (tmp_path / name for name in ("a.png", "b.png", "c.png"))
    before = _library(db, config, first, second, third)
    _turn(first, second)
    third.rename(tmp_path / "d.png")
    Scan(db, config).quick(str(tmp_path))
    counts = scan(db, config, [str(tmp_path)])
    assert min(counts.values()) >= 0 and counts["moved"] == 3
    assert (_known(db, first), _known(db, second)) == (before[second], before[first])
    assert _known(db, tmp_path / "d.png") == before[third]


def test_a_disk_that_is_not_mounted_is_spoken_of(db: Database, config: Config, tmp_path: Path) -> None:
    first = tmp_path / "disk" / "below" / "a.png"
    _library(db, config, first)
    scan(db, config, [str(tmp_path / "disk")])
    before = {first: _known(db, first)}
    first.parent.rename(tmp_path / "away")
    said: list[Event] = []
    scan(db, config, [str(tmp_path / "disk")], said.append)
    (trouble,) = [event for event in said if isinstance(event, ProblemReported)]
    assert str(first.parent.parent) in trouble.title and "1 image counts as gone" in trouble.title
    (tmp_path / "away").rename(first.parent)
    scan(db, config, [str(tmp_path / "disk")])
    assert _known(db, first) == before[first]
