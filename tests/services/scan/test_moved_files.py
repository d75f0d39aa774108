"""What happens to an image when its file moves, changes, vanishes or comes back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from dtk_tui.config import Config
from dtk_tui.domain.captions import ModelText, WhenThere
from dtk_tui.domain.library import ImageDetail
from dtk_tui.services.captions import versions as captions
from dtk_tui.services.scan.dry_run import dry_run
from dtk_tui.services.scan.scanner import scan
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.library import images, pruning
from tests.helpers import small_pngs
from tests.helpers.pictures import write_png


def _detail(db: Database, path: Path) -> ImageDetail:
    with db.connection() as conn:
        number = images.find(conn, str(path))
        assert number is not None, f"{path} is not in the library"
        found = images.detail(conn, number)
    assert found is not None
    return found


def _embed(conn: Connection) -> None:
    """Give every representative a vector that tells it from the others, and a tag."""
    space = conn.execute("SELECT dtk_embedding_space('v', 'image', 'v', 'x', 3)").fetchone()
    assert space is not None
    conn.execute(
        "INSERT INTO image_vector SELECT %s, id, ('[1,' || id || ',1]')::halfvec FROM image"
        " WHERE is_embedding_representative",
        space,
    )
    conn.execute("INSERT INTO tag (name) VALUES ('thing') ON CONFLICT DO NOTHING")
    conn.execute(
        "INSERT INTO image_tag (image_id, tag_id, source, confidence) SELECT image.id, tag.id, 't', 0.9 FROM image, tag"
    )


def _vectors(conn: Connection) -> dict[int, str]:
    return {v[0]: v[1] for v in conn.execute("SELECT image_id, vec::text FROM image_vector")}


def _one(conn: Connection, sql: Any, *parameters: object) -> Any:
    row = conn.execute(sql, parameters).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.slow
def test_thousands_of_files_move_at_once(db: Database, config: Config, tmp_path: Path) -> None:
    library, other = tmp_path / "library", tmp_path / "other"
    renamed = small_pngs.write(library / "renamed", range(1000))
    moved = small_pngs.write(library / "moved", range(1000, 2000))
    changed = small_pngs.write(library / "changed", range(2000, 3000))
    deleted = small_pngs.write(library / "deleted", range(3000, 4000))
    other.mkdir()
    both = [str(library), str(other)]
    assert scan(db, config, both)["added"] == 4000
    with db.connection() as conn:
        conn.execute("UPDATE image SET rating = id % 10 + 1, favorite = id % 2 = 0")
        conn.execute("INSERT INTO album (name) VALUES ('everything')")
        conn.execute("INSERT INTO album_image (album_id, image_id) SELECT album.id, image.id FROM album, image")
        _embed(conn)
        before = {v[0]: v[1:] for v in conn.execute("SELECT fingerprint, id, rating, favorite FROM image")}
        vectors = _vectors(conn)
        kept = {
            v[0]
            for v in conn.execute(
                "SELECT image.id FROM image JOIN folder ON folder.id = folder_id WHERE path !~ 'changed$'"
            )
        }

    for number, path in enumerate(renamed):
        path.rename(path.with_name(f"new name {number}.png"))
    for path in moved:
        path.rename(other / path.name)
    for number, path in enumerate(changed):
        path.write_bytes(small_pngs.png("another subject", 10_000 + number))
    for path in deleted:
        path.unlink()
    expected = {"seen": 3000, "added": 0, "updated": 1000, "moved": 2000, "unchanged": 0, "failed": 0}
    foreseen = dry_run(db, config, both)
    assert {key: foreseen[key] for key in expected} == expected and foreseen["gone"] == 1000
    counts = scan(db, config, both)

    assert {key: counts[key] for key in expected} == expected
    with db.connection() as conn:
        after = {v[0]: v[1:] for v in conn.execute("SELECT fingerprint, id, rating, favorite FROM image")}
        assert all(after[key] == row for key, row in before.items() if row[0] in kept), "rows, ratings and flags stay"
        assert _one(conn, "SELECT count(*) FROM image") == 4000
        assert _one(conn, "SELECT count(*) FROM image WHERE unavailable") == 1000
        assert _one(conn, "SELECT count(*) FROM album_image") == 4000, "albums keep their images"
        assert _one(conn, "SELECT count(*) FROM image_tag") == 3000, "tags of other bytes are not of this file"
        assert _vectors(conn) == {number: vec for number, vec in vectors.items() if number in kept}
        assert _one(conn, "SELECT count(*) FROM job") == 0, "nothing is embedded again"
    assert _detail(db, other / moved[7].name).prompt == f"subject {1007 % 37}"
    assert scan(db, config, both)["unchanged"] == 3000


def test_a_larger_member_takes_over_the_vector(db: Database, config: Config, tmp_path: Path) -> None:
    library = tmp_path / "library"
    write_png(library / "small.png", "a red barn", seed=7)
    scan(db, config, [str(library)])
    with db.connection() as conn:
        _embed(conn)
        (vector,) = _vectors(conn).values()
        conn.execute("INSERT INTO job (kind, image_id, priority) SELECT 2, id, 100 FROM image")
    write_png(library / "upscaled.png", "a red barn", seed=7, size=(512, 512))
    scan(db, config, [str(library)])

    large, small = _detail(db, library / "upscaled.png"), _detail(db, library / "small.png")
    assert (large.members, small.members) == (1, 1), "nobody has seen yet that they look alike"
    with db.connection() as conn:
        conn.execute(
            "INSERT INTO image_hash (image_id, bits, colours, fingerprint) SELECT id, -77, 127, fingerprint FROM image"
        )
        assert _one(conn, "SELECT changed FROM dtk_compare_hashes(10)") == 1
    assert _detail(db, library / "small.png").representative == large.id
    with db.connection() as conn:
        assert _vectors(conn) == {large.id: vector}
        assert _one(conn, "SELECT image_id FROM job") == large.id
    assert _detail(db, library / "upscaled.png").embedded == ("v",)


def test_a_group_keeps_its_vector_when_its_representative_changes_or_goes(
    db: Database, config: Config, tmp_path: Path
) -> None:
    library = tmp_path / "library"
    large = write_png(library / "large.png", "a red barn", seed=7, size=(512, 512))
    middle = write_png(library / "middle.png", "a red barn", seed=7, size=(128, 128))
    small = write_png(library / "small.png", "a red barn", seed=7)
    scan(db, config, [str(library)])
    with db.connection() as conn:
        _embed(conn)
        (vector,) = _vectors(conn).values()

    write_png(large, "a green tree", seed=8, size=(512, 512))
    scan(db, config, [str(library)])
    with db.connection() as conn:
        assert _vectors(conn) == {_detail(db, middle).id: vector}, "what changed has no vector of its own yet"
        assert _one(conn, "SELECT image_id FROM job") == _detail(db, middle).id, "it serves until the heir has its own"

    middle.unlink()
    scan(db, config, [str(library)])
    with db.connection() as conn:
        assert _vectors(conn) == {_detail(db, small).id: vector}
        assert pruning.prune_some(conn) == 1
        assert _one(conn, "SELECT image_id FROM job") == _detail(db, small).id
    assert _detail(db, small).members == 1


def test_pruning_leaves_vectors_to_the_group(db: Database, config: Config, tmp_path: Path) -> None:
    library = tmp_path / "library"
    paths = [write_png(library / f"{n}.png", "a red barn", seed=7, size=(64 * n, 64)) for n in (4, 3, 2)]
    scan(db, config, [str(library)])
    with db.connection() as conn:
        _embed(conn)
        (vector,) = _vectors(conn).values()
    for path in paths:
        path.unlink()
    scan(db, config, [str(library)])
    with db.connection() as conn:
        conn.execute("UPDATE image SET unavailable = false WHERE file_name = '2.png'")
        assert pruning.count(conn) == 2 and pruning.prune_some(conn) == 2
        assert list(_vectors(conn).values()) == [vector]
        assert _one(conn, "SELECT bool_and(is_embedding_representative) FROM image")


def test_a_vanished_file_comes_back(db: Database, config: Config, tmp_path: Path) -> None:
    library = tmp_path / "library"
    path = write_png(library / "a.png", "a", seed=3)
    scan(db, config, [str(library)])
    before = _detail(db, path)
    path.rename(tmp_path / "away.png")
    scan(db, config, [str(library)])
    assert _detail(db, path).unavailable
    (tmp_path / "away.png").rename(path)
    assert dry_run(db, config, [str(library)])["back"] == 1
    scan(db, config, [str(library)])
    assert _detail(db, path) == before


def test_a_renamed_folder_leaves_nothing_behind_but_what_a_person_decided(
    db: Database, config: Config, tmp_path: Path
) -> None:
    library = tmp_path / "library"
    for number, folder in enumerate(["trip/day 1", "trip/day 2", "kept", "half"]):
        write_png(library / folder / f"{number}.png", f"prompt {number}", number)
    write_png(library / "half" / "lost.png", "lost", 9)
    scan(db, config, [str(library)])
    with db.connection() as conn:
        conn.execute("UPDATE image SET rating = 7")
        conn.execute("UPDATE folder SET archived = true WHERE name = 'kept'")
    for folder in ("trip", "kept", "half"):
        (library / folder).rename(library / f"{folder} anew")
    (library / "half anew" / "lost.png").unlink()

    assert scan(db, config, [str(library)])["moved"] == 4

    with db.connection() as conn:
        paths = {str(Path(path).relative_to(tmp_path)) for (path,) in conn.execute("SELECT path FROM folder")}
        assert _one(conn, "SELECT count(*) FROM image WHERE rating = 7") == 5
    assert paths == {
        "library", "library/trip anew", "library/trip anew/day 1", "library/trip anew/day 2", "library/kept",
        "library/kept anew", "library/half", "library/half anew",
    }  # fmt: skip


def test_a_file_that_is_moved_over_another(db: Database, config: Config, tmp_path: Path) -> None:
    library = tmp_path / "library"
    first, second, third = (small_pngs.write(library, [number])[0] for number in (1, 2, 3))
    scan(db, config, [str(library)])
    with db.connection() as conn:
        conn.execute("UPDATE image SET rating = substr(file_name, 6, 1)::int")
        _embed(conn)
        vectors = _vectors(conn)
    before = {path: _detail(db, path).id for path in (first, second, third)}
    second.rename(library / "fourth.png")  # 2 goes on, 1 takes its place, 3 is overwritten by nobody
    first.rename(second)
    counts = scan(db, config, [str(library)])
    assert (counts["moved"], counts["added"], counts["updated"]) == (2, 0, 0)
    for path, was in ((second, first), (library / "fourth.png", second), (third, third)):
        found = _detail(db, path)
        assert (found.id, found.unavailable) == (before[was], False)
        assert found.rating == int(was.name[5])
    third.write_bytes(second.read_bytes())
    second.unlink()
    assert scan(db, config, [str(library)])["moved"] == 1
    overwritten = _detail(db, second)
    assert (overwritten.id, overwritten.rating, overwritten.unavailable) == (before[third], 3, True)
    assert _detail(db, third).id == before[first]
    with db.connection() as conn:
        assert _vectors(conn) == vectors, "nothing is computed again"
    assert scan(db, config, [str(library)])["unchanged"] == 2


def test_a_models_caption_of_other_content_is_not_of_this_file(db: Database, config: Config, tmp_path: Path) -> None:
    path = write_png(tmp_path / "library" / "a.png", "a", seed=3)
    scan(db, config, [str(path.parent)])
    number = _detail(db, path).id
    with db.connection() as conn:
        captions.set_text(conn, number, "mine", "mine")
        captions.save(conn, [ModelText(number, "descriptive", "joy", "a fox")], WhenThere.KEEP)
    write_png(path, "b", seed=4)
    scan(db, config, [str(path.parent)])
    assert [(one.text, one.is_user_edited) for one in _detail(db, path).captions] == [("mine", True)]


def test_a_file_that_may_not_be_read_is_tried_again(db: Database, config: Config, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    path = write_png(tmp_path / "library" / "a.png", "a", seed=3)
    path.chmod(0)
    assert scan(db, config, [str(path.parent)])["failed"] == 1
    assert "may not be read" in (_detail(db, path).error or "")
    path.chmod(0o644)
    scan(db, config, [str(path.parent)])
    assert (_detail(db, path).prompt, _detail(db, path).error) == ("a", None)


def test_what_a_migration_brought_is_kept(db: Database, config: Config, tmp_path: Path) -> None:
    """Rows as a migration writes them: phase 1, no fingerprint, marks of a person, parameters of another program."""
    library = tmp_path / "library"
    told = write_png(library / "told.png", "what the file says", seed=3)
    silent = write_png(library / "silent.png")
    scan(db, config, [str(library)])
    with db.connection() as conn:
        conn.execute("INSERT INTO prompt (text) VALUES ('what was known')")
        conn.execute(
            "UPDATE image SET rating = 7, favorite = true, mtime_ns = 5, created_at = '2020-02-02', fingerprint = NULL,"
            " custom_tags = 'mine', prompt_id = (SELECT id FROM prompt WHERE text = 'what was known')"
        )
    assert scan(db, config, [str(library)])["updated"] == 2
    for path, prompt in ((told, "what the file says"), (silent, "what was known")):
        found = _detail(db, path)
        assert (found.rating, found.favorite, found.prompt, found.created_at.year) == (7, True, prompt, 2020)
    assert scan(db, config, [str(library)])["unchanged"] == 2
    told.rename(library / "renamed.png")
    assert scan(db, config, [str(library)])["moved"] == 1
