"""What a query finds is what a look at each image finds also after each edit, its undo and redo, whatever their order.

DTK_ORACLE_ROWS=20000 DTK_ORACLE_EXAMPLES=2000 pytest tests/store/search/test_brute_force_edits.py is the long form.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from dtk_tui.config import Config, load
from dtk_tui.domain.organise import Mark, MarkEdit
from dtk_tui.errors import DtkError
from dtk_tui.services.diffusion_toolkit.undo import undo as undo_import
from dtk_tui.services.library import journal
from dtk_tui.services.library.organise import marks, trash
from dtk_tui.services.library.organise.tags import TAGS
from dtk_tui.store.database import Database
from dtk_tui.store.scan import listings
from dtk_tui.store.server.embedded import EmbeddedServer
from tests.helpers.cluster import database
from tests.helpers.imports.runs import run_import
from tests.helpers.imports.sources import write_source
from tests.helpers.query_checks import check, check_facets, check_sorted
from tests.helpers.query_edits import EDITS
from tests.helpers.query_oracle import LEAVES, Asked, queries
from tests.helpers.query_rows import FOLDERS, Row, make_rows, read_rows

ROWS = int(os.environ.get("DTK_ORACLE_ROWS", "300"))
EXAMPLES = int(os.environ.get("DTK_ORACLE_EXAMPLES", "400")) // 100
STEPS = int(os.environ.get("DTK_ORACLE_EXAMPLES", "240")) // 40
_EXAMPLES = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="DTK_ORACLE_EXAMPLES" not in os.environ,
    suppress_health_check=list(HealthCheck),
    database=None,
    phases=(Phase.explicit, Phase.generate),
)


def _opened(url: str, folder: Path) -> Database:
    return Database.open(load({"HOME": str(folder), "DTK_HOME": str(folder / "home"), "DTK_DATABASE_URL": url}))


@pytest.fixture(scope="module")
def library(server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A library that each test leaves as it was."""
    with database(server) as url:
        db = _opened(url, tmp_path_factory.mktemp("edits"))
        with db.connection() as conn:
            make_rows(conn, ROWS)
        yield db
        db.close()


def everything(db: Database) -> list[Row]:
    with db.connection() as conn:
        return read_rows(conn)


def number_of(done: int | None) -> int:
    assert done is not None
    return done


def look(db: Database, tokens: tuple[str, ...], sort: str) -> list[Row]:
    """Compare searches for what was edited, for all else, their order and counts; return what is there."""
    with db.connection() as conn:
        rows = read_rows(conn)
        about = st.one_of(*(_with_new_names(LEAVES[token], token) for token in tokens))

        @settings(_EXAMPLES)
        @given(about, queries(), st.booleans(), st.integers(1, 50))
        def same(edited: Asked, other: Asked, descending: bool, limit: int) -> None:
            check(conn, rows, edited, limit)
            both = Asked(f"({edited.text}) {other.text}", lambda row: edited.meets(row) and other.meets(row))
            check(conn, rows, both, limit)
            for count in (None, limit):
                check_sorted(conn, rows, edited, [(sort, descending), ("name", not descending)], count)

        same()
        check_facets(conn, rows, Asked("", lambda row: True))
        check_facets(conn, rows, Asked("castle", lambda row: "castle" in (row.prompt or "").lower()))
    return rows


def _with_new_names(leaf: st.SearchStrategy[Asked], token: str) -> st.SearchStrategy[Asked]:
    """Return what asks for a token, also for the names that the edits make."""
    if token == "tag":
        names = ["azure", "teal", "teal_sky", "SKY", "blue hair"]
        return leaf | st.sampled_from(names).map(
            lambda name: Asked(f'tag:"{name}"', lambda row: any(_alike(tag) == _alike(name) for tag, _ in row.tags))
        )
    if token == "album":
        return leaf | st.sampled_from(["mine", "Yours"]).map(lambda name: Asked(f"album:{name}", _in_album(name)))
    return leaf


def _alike(name: str) -> str:
    return name.lower().replace("_", " ")


def _in_album(name: str) -> Callable[[Row], bool]:
    def meets(row: Row) -> bool:
        if name.lower() in row.smart:
            rated = row.rating is not None and row.rating >= 3 and not any(_alike(tag) == "sky" for tag, _ in row.tags)
            return (rated and "castle" in (row.prompt or "").lower()) or bool(row.captions)
        return any(album.lower() == name.lower() for album in row.albums)

    return meets


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_its_undo_and_its_redo_leave_searches_right(library: Database, name: str) -> None:
    edit, before = EDITS[name], everything(library)
    ids = sorted(row.id for row in before)
    needed = [number_of(act(library, ids).journal) for act in edit.needs]
    prepared = everything(library)
    done = edit.act(library, ids)
    number = number_of(done.journal)
    edited = look(library, edit.tokens, edit.sort)
    assert edited != prepared or name in ("an album of none", "an album moved")
    assert journal.undo(library, number).left == ()
    assert look(library, edit.tokens, edit.sort) == prepared
    assert journal.redo(library, number).left == ()
    assert look(library, edit.tokens, edit.sort) == edited
    for one in (number, *reversed(needed)):
        assert journal.undo(library, one).left == ()
    assert everything(library) == before


def test_edits_undone_and_done_again_in_any_order_leave_searches_right(library: Database) -> None:
    rng, before = random.Random(STEPS), everything(library)
    ids = sorted(row.id for row in before)
    names = [name for name, edit in EDITS.items() if not edit.needs and "album" not in name]
    done: list[int] = []
    for step in range(STEPS):
        some = rng.sample(ids, len(ids) // 2)
        turn = rng.choice([journal.undo, journal.redo]) if step % 3 == 2 else None
        if turn is None or not done:
            edit = EDITS[rng.choice(names)].act(library, some)
            done += [edit.journal] if edit.journal is not None else []
        else:
            try:
                turn(library, rng.choice(done))
            except DtkError as error:
                assert "undone" in error.title
        look(library, ("rating", "favorite", "nsfw", "delete", "tag"), "rating")
    for number in reversed(done):
        try:
            journal.undo(library, number)
        except DtkError as error:
            assert "undone" in error.title
    assert everything(library) == before


def test_what_went_to_the_trash_is_found_and_another_member_stands_for_its_group(
    db: Database, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from send2trash import plat_other

    monkeypatch.setattr(plat_other, "XDG_DATA_HOME", os.fsencode(tmp_path))
    monkeypatch.setattr(plat_other, "HOMETRASH_B", os.fsencode(tmp_path / "Trash"))
    here = tmp_path / "pictures"
    with db.connection() as conn:
        make_rows(conn, 200, folders=[*FOLDERS[:2], str(here)])
        before = read_rows(conn)
        flagged = [row for row in before if row.folder == str(here)]
        conn.execute("UPDATE image SET for_deletion = id = ANY (%s)", ([row.id for row in flagged],))
    here.mkdir()
    for row in flagged:
        Path(row.path).write_bytes(b"a picture")
    tokens = ("delete", "group", "has", "folder", "path")
    look(db, tokens, "size")
    moved = trash.to_trash(db, config, trash.flagged(db))
    assert moved.deleted == len(flagged) > 20
    after = look(db, tokens, "size")
    assert [row.id for row in after] == [row.id for row in before]
    with db.connection() as conn:
        listings.mark_available(conn, [row.id for row in flagged])
    look(db, tokens, "size")


def test_an_import_and_its_undo_leave_searches_right(db: Database, config: Config, tmp_path: Path) -> None:
    with db.connection() as conn:
        make_rows(conn, 200)
        before = read_rows(conn)
    marked = {"Rating": 5, "Favorite": 1, "NSFW": 1, "CustomTags": "azure"}
    images = [
        {"Path": f"D:\\AI\\{n}.png", "Prompt": f"castle {n % 4}", "Seed": n, **(marked if n % 3 else {})}
        for n in range(30)
    ]
    write_source(tmp_path / "source.db", images)
    assert run_import(db, config, tmp_path / "source.db").tables["Image"].written == 30
    tokens = ("rating", "favorite", "nsfw", "tag", "seed", "path", "group")
    imported = look(db, tokens, "rating")
    assert len(imported) == 230
    new = sorted({row.id for row in imported} - {row.id for row in before})
    marks.apply(db, new[:2], MarkEdit(Mark.RATING, 1))
    TAGS.add(db, new[2:4], ["teal"])
    look(db, tokens, "rating")
    assert undo_import(db) == {"removed": 26, "kept": 4, "restored": 0}
    kept = look(db, tokens, "rating")
    assert [row for row in kept if row.id not in new] == before
    assert {row.id for row in kept} - {row.id for row in before} == set(new[:4])
