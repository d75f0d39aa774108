"""The library of the tour: the sample pictures of the demo, embedded and tagged, with what people did to it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from dtk_tui.cli.worker import drain
from dtk_tui.config import Config, load
from dtk_tui.demo.library import create
from dtk_tui.demo.tour import CONFIG_FILE
from dtk_tui.domain.captions import ModelText, WhenThere
from dtk_tui.domain.job import Kind
from dtk_tui.domain.queue import Target
from dtk_tui.errors import DtkError
from dtk_tui.inference.manifest import load_manifest
from dtk_tui.inference.pull import pull
from dtk_tui.services.captions import versions
from dtk_tui.services.diffusion_toolkit.export import export
from dtk_tui.services.library.organise import albums
from dtk_tui.services.library.organise.tags import TAGS
from dtk_tui.services.library.queries import saved_queries
from dtk_tui.services.queue import enqueue
from dtk_tui.services.scan.scanner import scan
from dtk_tui.store.database import Database
from tests.helpers.owned_server import owned_server

#: Its folder: a path that is the same for everybody, as the pictures show it.
PLACE = Path("/tmp/dtk-tour")
_PICTURES = PLACE / "outputs"
_CUT = 6000
_RATINGS = """
UPDATE image SET rating = 6 + id % 5 WHERE id % 4 = 1;
UPDATE image SET favorite = true WHERE id % 12 = 5;
UPDATE image SET for_deletion = true WHERE file_name LIKE '%screenshot%';
"""
#: Times that would be those of this run.
_TIMES = """
UPDATE image SET added_at = '2026-02-01 09:00:00+00';
UPDATE edit_journal SET made_at = '2026-02-01 10:00:00+00'::timestamptz + id * interval '7 minutes',
    undone_at = undone_at - undone_at + '2026-02-01 12:00:00+00'::timestamptz;
UPDATE caption SET created_at = '2026-02-01 09:30:00+00'::timestamptz + id * interval '1 second';
UPDATE job SET queued_at = '2026-02-01 11:00:00+00';
UPDATE job_log SET host = 'studio', queued_at = '2026-02-01 09:10:00+00',
    started_at = '2026-02-01 09:10:05+00'::timestamptz + id * interval '1 second',
    finished_at = '2026-02-01 09:10:06+00'::timestamptz + id * interval '1 second' WHERE run_id IS NULL;
"""
_RUNS = """
INSERT INTO work_run (priority, title, queued_at) VALUES
    (0, 'landscapes', '2026-02-01 10:00:00+00'), (0, 'figures', '2026-02-01 11:00:00+00');
INSERT INTO work_run_kind (run_id, kind, queued, already_done, waiting, undecodable)
VALUES (1, 1, 20, 0, 0, 0), (1, 3, 20, 0, 0, 0), (2, 1, 14, 3, 0, 0), (2, 3, 17, 0, 0, 0);
INSERT INTO job_log (job_id, image_id, kind, priority, attempts, run_id, outcome, queued_at, started_at, finished_at)
SELECT 1000 * kind + id, id, kind, 0, 1, 1, 'done', '2026-02-01 10:00:00+00', '2026-02-01 10:00:05+00',
       '2026-02-01 10:04:10+00'
  FROM (SELECT id FROM image ORDER BY id LIMIT 20) i, unnest(ARRAY[1, 3]) kind;
INSERT INTO job_log (job_id, image_id, kind, priority, attempts, run_id, outcome, queued_at, started_at, finished_at)
SELECT 9000 * kind + id, id, kind, 0, 1, 2, CASE WHEN kind = 3 AND place < 3 THEN 'failed' ELSE 'done' END,
       '2026-02-01 11:00:00+00', '2026-02-01 11:00:05+00', '2026-02-01 11:06:40+00'
  FROM (SELECT id, row_number() OVER (ORDER BY id DESC) AS place FROM image) i, unnest(ARRAY[1, 3]) kind
 WHERE place <= CASE WHEN kind = 3 THEN 17 ELSE 14 END;
"""


@dataclass(frozen=True, slots=True)
class TourLibrary:
    """A library that is copied for each walk, so that all walks see the same.

    Attributes:
        conninfo: of its database, which nothing else uses.
    """

    conninfo: str

    @contextmanager
    def copy(self, name: str) -> Iterator[tuple[Database, Config]]:
        """Open a copy of it, with settings of its own."""
        yield from self._open(name, str(conninfo_to_dict(self.conninfo)["dbname"]))

    @contextmanager
    def empty(self, name: str) -> Iterator[tuple[Database, Config]]:
        """Open a library in which nothing is."""
        yield from self._open(name, "template1")

    def _open(self, name: str, template: str) -> Iterator[tuple[Database, Config]]:
        own = f"tour_{name}"
        with psycopg.connect(self.conninfo, dbname="postgres", autocommit=True) as conn:
            conn.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(own), sql.Identifier(template))
            )
        config = _config(name, make_conninfo(self.conninfo, dbname=own))
        db = Database.open(config)
        try:
            yield db, config
        finally:
            db.close()


def _config(name: str, url: str | None = None) -> Config:
    home = PLACE / name
    home.mkdir()
    (home / "config.toml").write_text(CONFIG_FILE, encoding="utf-8")
    person = PLACE / "me"
    person.mkdir(exist_ok=True)
    os.environ["HOME"] = str(person)  # where a question for a folder begins
    environ = {"HOME": str(person), "DTK_HOME": str(home), "DTK_MODELS": str(load().paths.models)}
    return load(environ | ({"DTK_DATABASE_URL": url} if url else {}))


def execute(db: Database, statements: LiteralString) -> None:
    """Change the library as somebody else does."""
    with db.connection() as conn:
        conn.execute(statements)


def fix_times(db: Database) -> None:
    """Give everything that was done times that are the same in every run."""
    execute(db, _TIMES)


@contextmanager
def tour_library() -> Iterator[TourLibrary]:
    """Make the library, and remove all of it at the end."""
    try:
        PLACE.mkdir(mode=0o700)
    except FileExistsError:
        raise DtkError(
            f"{PLACE} is there already.", "Another tour is under way, or was killed: then remove it."
        ) from None
    try:
        config = _config("home")
        for spec in load_manifest().select(["starter"]):
            pull(spec, config.paths.models, lambda step, done, total: None)
        with owned_server(PLACE / "home"):
            db = Database.open(config)
            try:
                _fill(db, config)
                server, conninfo = db.server, db.conninfo()
                assert server is not None
                server.keep(True)
            finally:
                db.close()
            yield TourLibrary(conninfo)
    finally:
        shutil.rmtree(PLACE, ignore_errors=True)


def _fill(db: Database, config: Config) -> None:
    create(_PICTURES)
    _add_copies()
    _add_damaged()
    scan(db, config, [str(_PICTURES)], lambda event: None)
    with db.connection() as conn:
        rows = conn.execute(
            "SELECT id FROM folder WHERE path ~ '/2025-../' OR path LIKE '%/final' ORDER BY id"
        ).fetchall()
    for (folder,) in rows:
        enqueue(db, config, Target(folder_id=folder), [Kind.TAG, Kind.EMBED])
    drain(db, config, until_empty=True)
    _arrange(db)
    export(db, PLACE / "diffusion-toolkit.db", "UTC")


def _first(folder: str, subject: str) -> Path:
    return sorted((_PICTURES / folder).glob(f"*{subject}*"))[0]


def _add_copies() -> None:
    """Copy some pictures, as people do who sort by hand."""
    for folder, subject in (("2025-11/animals", "dog"), ("2025-11/landscapes", "sailing"), ("2025-12/towns", "city")):
        original = _first(folder, subject)
        shutil.copy2(original, _PICTURES / "final" / f"copy of {original.name}")


def _add_damaged() -> None:
    """Cut a copy of a picture off in the middle, as a full disk does."""
    original = _first("2025-12/vehicles", "car")
    damaged = original.with_name("00999-interrupted.png")
    damaged.write_bytes(original.read_bytes()[:_CUT])
    os.utime(damaged, (original.stat().st_mtime,) * 2)


def _arrange(db: Database) -> None:
    """Rate, collect, tag, caption and save queries, as people do."""
    execute(db, _RATINGS)
    with db.connection() as conn:
        found = conn.execute(
            "SELECT image.id, prompt.text, file_name FROM image JOIN prompt ON prompt.id = prompt_id ORDER BY image.id"
        ).fetchall()
        texts = [
            ModelText(image, "descriptive", "joycaption", _caption(prompt), None, "joycaption", "Describe this image.")
            for image, prompt, _ in found[:60]
        ]
        versions.save(conn, texts, WhenThere.KEEP)
    boats = [image for image, _, name in found if "sailing" in name]
    lakes = [image for image, _, name in found if "lake" in name or "waterfall" in name]
    albums.create(db, "Wallpapers", [*boats, *lakes])
    albums.create(db, "To print", boats[:2])
    albums.create(db, "Best of the year", (), "rating:>=9")
    TAGS.add(db, boats, ["sea"])
    TAGS.add(db, [*boats, *lakes], ["water"])
    for name, line in (
        ("Night scenes", 'night about: "city lights"'),
        ("Good landscapes", "rating:>=7 folder:landscapes"),
        ("Not looked at", "rating:none"),
    ):
        saved_queries.save(db, name, line)
    saved_queries.pin(db, "Good landscapes")
    for line in ("castle", 'about: "a puppy playing outside"', 'looks: "a fast red automobile"'):
        saved_queries.note_asked(db, line)
    execute(db, _RUNS)
    fix_times(db)


def _caption(prompt: str) -> str:
    first, _, rest = prompt.partition(",")
    return f"The picture shows {first.strip()}. It is remarkable for {rest.split(',')[0].strip() or 'its light'}."
