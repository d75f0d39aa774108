"""Backup, verify, restore and move of a library beside PostgreSQL's own programs; each of them killed; a full disk.

DTK_BENCH_IMAGES (100,000) images with a vector, a tag, a caption, raw metadata and an edit in the journal, in an
embedded server, all by the installed ``dtk``. The floors are pg_dump and pg_restore, which compare nothing. "identical"
says whether every table has the digest that it had before. Each command is killed (SIGKILL) once half way; then the
library is compared, and the command is given again.

As root on Linux, and with 20,000 images or more, the backup and the move meet a full disk, too: a small tmpfs, mounted
for that time.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg.conninfo import make_conninfo
from workload import Home, home

from dtk_tui.config import load
from dtk_tui.store.backup.digests import Digests, digests
from dtk_tui.store.backup.dump import ignore
from dtk_tui.store.database import Database
from dtk_tui.store.library import embedding_spaces
from dtk_tui.store.server import programs
from dtk_tui.store.server.cluster import program
from dtk_tui.store.server.embedded import EmbeddedServer

IMAGES = int(os.environ.get("DTK_BENCH_IMAGES", "100000"))
DIMS, VECTORS = 384, 1000
_FULL_DISK, _FILLS_THE_DISK = "40m", 20_000

_FILL: tuple[LiteralString, ...] = (
    "INSERT INTO folder (path, name, is_root) VALUES ('/library', 'library', true)",
    """INSERT INTO prompt (text)
       SELECT 'a castle ' || md5(n::text) || ' ' || md5((n + 1)::text) FROM generate_series(1, %(images)s / 4 + 1) n""",
    """INSERT INTO image (folder_id, prompt_id, file_size, mtime_ns, created_at, scan_phase, steps, seed, file_name,
                          fingerprint, width, height)
       SELECT 1, n %% (%(images)s / 4 + 1) + 1, n, n, now(), 1, 20, n, n || '.png', sha256(n::text::bytea), 512, 768
         FROM generate_series(1, %(images)s) n""",
    """INSERT INTO image_raw SELECT id, repeat('[["png","parameters","text ' || id || '"]]', 20) FROM image""",
    "SELECT dtk_embedding_space('dinov2-small', 'image', 'dinov2-small', 'abc', %(dims)s)",
    """CREATE TEMP TABLE base AS
       SELECT n,
              (SELECT array_agg(random() - 0.5) FROM generate_series(1, %(dims)s) WHERE n >= 0)::real[]::vector AS vec
         FROM generate_series(0, %(vectors)s - 1) n""",
    """INSERT INTO image_vector
       SELECT 1, id, a.vec + b.vec FROM image JOIN base a ON a.n = id %% %(vectors)s
         JOIN base b ON b.n = id * 7919 / %(vectors)s %% %(vectors)s
        ORDER BY id""",
    "INSERT INTO tag (name) VALUES ('a'), ('b')",
    "INSERT INTO image_tag (image_id, tag_id, source, confidence) SELECT id, id %% 2 + 1, 'model', 1.0 / id FROM image",
    """INSERT INTO caption (image_id, is_user_edited, source, type, text)
       SELECT id, true, 'user', 'descriptive', 'caption ' || md5(id::text) FROM image""",
    "INSERT INTO edit_journal (changed, kind, title) VALUES (%(images)s, 'rating', 'all')",
    """INSERT INTO edit_journal_part (journal_id, part, image_ids, before, after)
       SELECT 1, 0, array_agg(id), array_agg(id), array_agg(id) FROM image""",
)

_ADD: LiteralString = """
INSERT INTO image (folder_id, prompt_id, file_size, mtime_ns, created_at, scan_phase, steps, seed, file_name,
                   fingerprint)
SELECT 1, 1, n, n, now(), 1, 20, n, 'new ' || n, sha256((-n)::text::bytea) FROM generate_series(1, %(some)s) n
"""


class Library:
    """The library, what it holds, and the places of this benchmark."""

    def __init__(self, place: Home, folder: Path) -> None:
        self.place, self.folder = place, folder
        self.conninfo = EmbeddedServer(load(place.environ).paths.database).join()
        with psycopg.connect(self.conninfo) as conn:
            for statement in _FILL:
                conn.execute(statement, {"images": IMAGES, "dims": DIMS, "vectors": VECTORS})
                if "dtk_embedding_space" in statement:
                    embedding_spaces.drop_index(conn, 1)
            embedding_spaces.build_index(conn, 1)
        self.run_sql("VACUUM ANALYZE")
        self.before = self.digests()
        self.rows = sum(one.rows for one in self.before.values())

    def run_sql(self, statement: LiteralString, database: str = "dtk") -> None:
        """Run a statement on its own."""
        with psycopg.connect(make_conninfo(self.conninfo, dbname=database), autocommit=True) as conn:
            conn.execute(statement)

    def digests(self, database: str = "dtk") -> Digests:
        """Return what a database of the server holds."""
        db = Database(make_conninfo(self.conninfo, dbname=database), None)
        try:
            with db.connection() as conn:
                return digests(conn, ignore)
        finally:
            db.close()

    def require_whole(self, after: str) -> None:
        """End with an error where something is not as it was."""
        if self.digests() != self.before:
            raise SystemExit(f"the library is another one after {after}")

    def fresh(self, name: LiteralString) -> str:
        """Return the connection string of a new, empty database beside the library's."""
        self.run_sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", "postgres")
        self.run_sql(f"CREATE DATABASE {name}", "postgres")
        return make_conninfo(self.conninfo, dbname=name)


def seconds(work: Callable[[], object]) -> float:
    """Return how long something took."""
    begun = time.monotonic()
    work()
    return time.monotonic() - begun


def bare(command: list[str], conninfo: str) -> float:
    """Return how long a program of PostgreSQL took."""
    return seconds(lambda: programs.run([str(program(command[0])), *command[1:]], conninfo, "It failed."))


def line(name: str, took: float, floor: float, of: str) -> None:
    """Print a row."""
    print(f"{name:10}{took:9.1f}{took / floor:8.2f}   {of}, {floor:.1f} s; load {os.getloadavg()[0]:.1f}", flush=True)


def measure(lib: Library) -> dict[str, tuple[list[str], float]]:
    """Print the table; return each command with its seconds."""
    dump, floor_dump = lib.folder / "library.dump", lib.folder / "floor.dump"
    into, moved = lib.fresh("floor"), lib.fresh("moved")
    folder = lib.folder / "parts"
    folder.mkdir()
    works = {
        "backup": ["db", "backup", str(dump)],
        "in parts": ["db", "backup", "--incremental", "--keep", "5", str(folder)],
        "verify": ["db", "verify", str(dump)],
        "restore": ["db", "restore", "--yes", str(dump)],
        "move": ["db", "move", "--to", moved],
    }
    took = {name: seconds(partial(lib.place.dtk, *command)) for name, command in works.items()}
    dumping = bare(["pg_dump", "--format=custom", "--compress=gzip:3", f"--file={floor_dump}"], lib.conninfo)
    restoring = bare(["pg_restore", "--no-owner", "--dbname=floor", str(floor_dump)], into)
    print(f"{'':10}{'seconds':>9}{'ratio':>8}   to")
    floors = {"pg_dump": dumping, "pg_restore": restoring, "pg_dump and pg_restore": dumping + restoring}
    for name, of in zip(
        works, ("pg_dump", "pg_dump", "pg_restore", "pg_restore", "pg_dump and pg_restore"), strict=True
    ):
        line(name, took[name], floors[of], of)
    lib.require_whole("a restore")
    same = lib.digests("moved") == lib.before
    print(f"identical: {'yes' if same else 'NO'}; {dump.stat().st_size / 1e6:.0f} MB of backup, {lib.rows:,} rows")
    again(lib, works["in parts"])
    lib.run_sql("DROP DATABASE floor", "postgres")
    return {name: (command, took[name]) for name, command in works.items()}


def again(lib: Library, command: list[str]) -> None:
    """Add a thousandth of the images, back up in parts, and print what that wrote; then all is as it was."""
    lib.place.dtk(*command)  # a restore has numbered the tables anew
    whole = json.loads(lib.place.dtk("db", "stats", "--json"))["size_bytes"]
    some = max(IMAGES // 1000, 1)
    with psycopg.connect(lib.conninfo) as conn:
        conn.execute(_ADD, {"some": some})
    told: dict[str, float] = {}
    took = seconds(lambda: told.update(json.loads(lib.place.dtk(*command, "--json"))))
    print(
        f"in parts again, {some} images are new: {took:.1f} s, {told['bytes'] / 1e6:.2f} MB written of"
        f" {told['whole_bytes'] / 1e6:.0f} ({whole / 1e6:.0f} MB in the database)",
        flush=True,
    )
    with psycopg.connect(lib.conninfo) as conn:
        conn.execute("DELETE FROM image WHERE id > %s", (IMAGES,))
    lib.require_whole("what was added was removed")


def kill(lib: Library, name: str, command: list[str], after_s: float) -> None:
    """Kill a command after some seconds, compare, and give it again."""
    if name == "backup":
        command = [*command[:-1], str(lib.folder / "again.dump")]
    if name == "move":
        lib.fresh("moved")
    program_path = str(Path(sys.executable).parent / "dtk")
    with subprocess.Popen([program_path, *command], env=lib.place.environ, stdout=subprocess.DEVNULL) as process:
        time.sleep(after_s)
        is_at_it = process.poll() is None
        process.send_signal(signal.SIGKILL)
    lib.require_whole(f"a killed {name}")
    if name == "backup" and Path(command[-1]).exists():
        raise SystemExit("a killed backup left a file that looks like one")
    lib.place.dtk(*command)
    lib.require_whole(f"a {name} after a killed one")
    told = "" if is_at_it else " (it had ended already)"
    print(f"{name} killed after {after_s:.1f} s: the library is whole; the same command ends well{told}", flush=True)


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Mount a small file system, which any account may write to."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_FULL_DISK},mode=1777", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def full(lib: Library) -> None:
    """Let the backup and the move meet a full disk, and print what they say."""
    program_path = str(Path(sys.executable).parent / "dtk")
    with small_disk(lib.folder / "full") as disk:
        space = disk / "space"
        space.mkdir()
        space.chmod(0o700)
        owner = load(lib.place.environ).paths.database.stat()
        os.chown(space, owner.st_uid, owner.st_gid)
        lib.run_sql("DROP DATABASE IF EXISTS moved WITH (FORCE)", "postgres")
        with psycopg.connect(make_conninfo(lib.conninfo, dbname="postgres"), autocommit=True) as conn:
            conn.execute(psycopg.sql.SQL("CREATE TABLESPACE small LOCATION {}").format(str(space)))
        lib.run_sql("CREATE DATABASE moved TABLESPACE small", "postgres")
        moved = make_conninfo(lib.conninfo, dbname="moved")
        for command in (["db", "move", "--to", moved], ["db", "backup", str(disk / "library.dump")]):
            done = subprocess.run(
                [program_path, *command], env=lib.place.environ, capture_output=True, text=True, check=False
            )
            words = " ".join(done.stderr.split())
            print(f"{command[1]} on a full disk, status {done.returncode}: {words}", flush=True)
            lib.require_whole(f"a {command[1]} on a full disk")
        lib.run_sql("DROP DATABASE moved WITH (FORCE)", "postgres")
        lib.run_sql("DROP TABLESPACE small", "postgres")


def main() -> None:
    """Make the library, measure, kill."""
    with home() as place:
        begun = time.monotonic()
        folder = place.folder.parent / "work"
        folder.mkdir()
        place.dtk("status")
        lib = Library(place, folder)
        print(f"{IMAGES:,} images, {lib.rows:,} rows, made in {time.monotonic() - begun:.0f} s", flush=True)
        for name, (command, took) in measure(lib).items():
            kill(lib, name, command, took / 2)
        if os.getuid() == 0 and sys.platform == "linux" and IMAGES >= _FILLS_THE_DISK:
            full(lib)
        print(f"{time.monotonic() - begun:.0f} s in all")


if __name__ == "__main__":
    main()
