"""What commands print for scripts, and their exit statuses, on a small library."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dtk_tui import __version__
from dtk_tui.cli import application
from dtk_tui.config import Config
from dtk_tui.errors import DtkError, UsageError
from dtk_tui.services.diffusion_toolkit import schema
from dtk_tui.services.stats import snapshot
from dtk_tui.services.worker.engine import Engine
from dtk_tui.store.database import Database
from tests.helpers.golden import check, json_lines, plain, words
from tests.helpers.running_app import write_picture

SNAPSHOTS = Path(__file__).parent / "__snapshots__"
#: Keys whose values differ from run to run, from machine to machine.
VARYING = frozenset({
    "seconds", "bytes", "pid", "host", "heartbeat_at", "expected_s", "eta_s", "score", "size", "file_size", "devices",
    "gpus", "day",
})  # fmt: skip
#: Of what is printed for people, what the compression of PNG files, or of a dump, decides.
_SIZES = re.compile(r"\b\d+\.\d [kM]B|\b\d{3} B\b|(?<=^file size) +\d+$", re.MULTILINE)
SUBJECTS = ("castle on a hill", "red fox in snow", "bowl of ramen")


class Transcript:
    """Commands that are run in this process, with what they print and how they end.

    Args:
        places: folders of this run, and what the golden file calls them.
    """

    def __init__(self, places: dict[str, str]) -> None:
        self._places = places
        self._parts: list[str] = []
        self._runner = CliRunner()

    def run(self, *arguments: str, varying: frozenset[str] = VARYING) -> list[object]:
        """Run a command; what it prints with ``--json`` is kept as values, the rest as text."""
        done = self._runner.invoke(application, list(arguments), prog_name="dtk", terminal_width=100)
        status, told = done.exit_code, done.output
        if isinstance(done.exception, DtkError):
            error = done.exception
            status = 2 if isinstance(error, UsageError) else 1
            told += f"dtk: {error.title}\n     {error.detail}\n"
        elif done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        values: list[object] = []
        if "--json" in arguments and not done.exception:
            values = [json.loads(line) for line in done.stdout.splitlines()]
            told = json_lines([plain(value, self._places, varying) for value in values])
            if done.stderr:
                told += f"\n(stderr)\n{words(done.stderr, self._places)}"
        head = words(f"$ dtk {shlex.join(arguments)}", self._places)
        ended = f"(exit status {status})\n" if status else ""
        told = _SIZES.sub(" <size>", words(told, self._places)).rstrip()
        self._parts.append(f"{head}\n{told}\n{ended}")
        return values

    def text(self) -> str:
        """Return all of it."""
        return "\n".join(self._parts)


@pytest.fixture
def dtk(config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Transcript:
    """Commands on a library of this test, without models."""
    environ = {
        "HOME": str(tmp_path), "DTK_HOME": str(tmp_path / "home"), "DTK_DATABASE_URL": config.database_url or "",
        "DTK_MODELS": str(tmp_path / "models"), "COLUMNS": "100", "NO_COLOR": "1", "TZ": "UTC",
    }  # fmt: skip
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return Transcript({str(tmp_path): "<tmp>", f"dtk {__version__}": "dtk <version>"})


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Six pictures of three subjects in two folders, and a file that is none."""
    folder = tmp_path / "pictures"
    for number in range(6):
        path = folder / ("a" if number < 4 else "b") / f"{number}.png"
        write_picture(path, SUBJECTS[number % 3], made_at=1_750_000_000 + number, seed=number)
    (folder / "b" / "broken.png").write_bytes(b"no picture")
    return folder


def test_library_commands(dtk: Transcript, pictures: Path, tmp_path: Path) -> None:
    dtk.run("scan", str(pictures), "--dry-run", "--json")
    dtk.run("scan", str(pictures), "--json")
    dtk.run("scan", "--reparse", "--json")
    dtk.run("scan", str(tmp_path / "nowhere"), "--json")
    dtk.run("scan", "--watch", "--dry-run")
    dtk.run("show", str(pictures / "a" / "0.png"), "--json")
    dtk.run("show", str(pictures / "b" / "broken.png"), "--json")
    dtk.run("show", str(pictures / "a" / "1.png"))
    dtk.run("show", "4711")
    dtk.run("search", "castle", "--json")
    dtk.run("search", "seed:3-9", "--limit", "2", "--json")
    dtk.run("search", "nothing like it", "--json")
    dtk.run("search", "castle", "--facets", "--json")
    dtk.run("search", "castle", "--facets")
    dtk.run("search", "fox")
    dtk.run("search", "steps:many")
    dtk.run("search", "castle", "--sort", "name_desc", "--json")
    dtk.run("search", "castle", "--sort", "colour")
    dtk.run("search", "castle", "--paths0", "--json")
    dtk.run("search", "castle", "--show")
    dtk.run("query", "list")
    dtk.run("query", "save", "Foxes", "red fox", "steps:20")
    dtk.run("query", "save", "Foxes", "red")
    dtk.run("query", "save", "Foxes", "red", "--replace")
    dtk.run("query", "save", "castles", "castle", "OR")
    dtk.run("query", "save", "castles", "castle")
    dtk.run("query", "pin", "castles")
    dtk.run("query", "list")
    dtk.run("query", "pin", "castles", "--off")
    dtk.run("query", "list", "--json", varying=VARYING | {"modified_at"})
    dtk.run("query", "delete", "Foxes")
    dtk.run("query", "delete", "Foxes")
    dtk.run("search", "about: dogs")
    dtk.run("similar", str(pictures / "a" / "0.png"), "--json")
    dtk.run("status", "--json")
    dtk.run("status")
    dtk.run("library", "add", str(tmp_path))
    dtk.run("library", "exclude", str(pictures / "b"))
    dtk.run("library", "archive", str(pictures / "a"), "--no-recursive")
    dtk.run("library", "roots", "--json")
    dtk.run("library", "roots")
    dtk.run("library", "include", str(pictures / "b"))
    dtk.run("library", "include", str(pictures / "a"))
    dtk.run("library", "failures", "--json")
    dtk.run("library", "failures", str(tmp_path / "nowhere"), "--json")
    (pictures / "a" / "3.png").unlink()
    dtk.run("scan", str(pictures), "--json")
    for options in (["groups"], ["groups", "--check", "--dry-run"], ["groups", "--check"]):
        dtk.run("library", *options)
        dtk.run("library", *options, "--json")
    dtk.run("library", "prune", "--dry-run", "--json")
    dtk.run("library", "prune", "--dry-run")
    dtk.run("library", "prune", "--yes", "--json")
    dtk.run("library", "remove", str(pictures / "b"), "--dry-run")
    dtk.run("library", "remove", str(pictures / "b"), "--yes")
    dtk.run("status", "--json")
    check(SNAPSHOTS / "json-library.txt", dtk.text())


def test_paths_for_other_programs_end_with_a_nul(dtk: Transcript, pictures: Path) -> None:
    dtk.run("scan", str(pictures))
    done = CliRunner().invoke(application, ["search", "castle", "--sort", "name", "--paths0"])
    assert done.stdout_bytes == b"".join(bytes(pictures / "a" / f"{number}.png") + b"\0" for number in (0, 3))


def test_duplicates(dtk: Transcript, pictures: Path) -> None:
    (pictures / "b" / "broken.png").unlink()
    dtk.run("scan", str(pictures), "--json")
    dtk.run("duplicates")
    dtk.run("duplicates", "--kind", "near")
    copy = shutil.copy(pictures / "a" / "0.png", pictures / "b" / "0 \x1b[31mcopy.png")
    os.utime(copy, (1_750_000_100, 1_750_000_100))
    dtk.run("scan", str(pictures), "--json")
    dtk.run("duplicates", "--json")
    dtk.run("duplicates", "--keep", "newest")
    dtk.run("duplicates", "--kind", "group", "--json")
    dtk.run("duplicates", "--kind", "cluster")
    dtk.run("clusters")
    dtk.run("clusters", "--by", "hash", "--json")
    dtk.run("clusters", "--by", "hash", "--threshold", "9")
    dtk.run("clusters", "--by", "vectors", "--would-change")
    dtk.run("clusters", "--would-change", "--json")
    dtk.run("library", "groups", "--check", "--json")
    check(SNAPSHOTS / "json-duplicates.txt", dtk.text())


def test_caption_commands(dtk: Transcript, pictures: Path) -> None:
    dtk.run("scan", str(pictures), "--json")
    image = str(pictures / "a" / "0.png")
    dtk.run("caption", "show", image)
    dtk.run("caption", "set", image, "--text", "a castle [red]\x1b[31m", "--json")
    dtk.run("caption", "set", image, "--text", "a castle on a hill", "--json")
    dtk.run("caption", "set", image, "--text", "a castle on a hill")
    dtk.run("caption", "set", image, "--text", "castle, hill", "--type", "booru")
    dtk.run("caption", "set", image, "--text", " ")
    dtk.run("caption", "set", "4711", "--text", "x")
    dtk.run("caption", "show", image)
    dtk.run("caption", "show", image, "--json")
    dtk.run("show", image, "--json")
    dtk.run("show", image)
    dtk.run("journal", "list", "--json")
    dtk.run("journal", "undo", "1", "--json")
    dtk.run("journal", "undo", "2", "--json")
    dtk.run("journal", "undo", "2")
    dtk.run("journal", "undo", "4711")
    dtk.run("journal", "undo", "3")
    dtk.run("caption", "set", image, "--text", "a castle [red]\x1b[31m", "--json")
    dtk.run("caption", "batch", "castle", "--prefix", "[red]\x1b ", "--dry-run")
    dtk.run("caption", "batch", "castle", "--prefix", "ohwx, ", "--dry-run", "--json")
    dtk.run("caption", "batch", "castle", "--prefix", "ohwx, ")
    dtk.run("caption", "batch", "castle", "--prefix", "ohwx, ", "--yes", "--json")
    dtk.run("caption", "batch", "fox", "--replace", "a", "b", "--yes", "--json")
    dtk.run("caption", "batch", "", "--regex", r"\b(\w)", r"\1\1", "--yes")
    dtk.run("caption", "batch", "", "--remove", "--type", "descriptive", "--yes")
    dtk.run("caption", "batch", "", "--prefix", "a", "--trim")
    dtk.run("caption", "batch", "", "--regex", "(", "", "--yes")
    dtk.run("caption", "batch", "", "--case", "camel", "--yes")
    dtk.run("caption", "batch", "steps:many", "--trim")
    dtk.run("caption", "batch", "--folder", str(pictures), "-r", "--case", "upper", "--dry-run", "--json")
    dtk.run("caption", "batch", "--folder", str(pictures), "--case", "upper", "--dry-run")
    dtk.run("caption", "batch", "castle", "--folder", str(pictures), "--trim")
    dtk.run("caption", "batch", "--folder", "nowhere", "--trim")
    dtk.run("caption", "batch", "--trim")
    dtk.run("journal", "undo", "7")
    dtk.run("journal", "undo", "5")
    dtk.run("journal", "list")
    dtk.run("caption", "set", image, "--text", "a castle\non a hill")
    dtk.run("export", "captions", "--trigger", "ohwx", "--dry-run")
    dtk.run("export", "captions", "castle", "--trigger", "ohwx", "--json")
    (pictures / "a" / "0.txt").write_text("mine")
    (pictures / "a" / "1.txt").write_text("a red fox")
    dtk.run("export", "captions", "--json")
    dtk.run("export", "captions", "--parts", "tags,tags")
    dtk.run("export", "captions", "--ending", ".exe")
    dtk.run("import", "captions", "--json")
    dtk.run("import", "captions", "fox", "--dry-run")
    dtk.run("caption", "show", str(pictures / "a" / "1.png"))
    check(SNAPSHOTS / "json-captions.txt", dtk.text())


def test_organise_commands(dtk: Transcript, pictures: Path) -> None:
    dtk.run("scan", str(pictures), "--json")
    image, other = (str(pictures / "a" / f"{n}.png") for n in range(2))
    dtk.run("rate", image, other, "--rating", "8", "--json")
    dtk.run("rate", "--query", "castle", "--rating", "0", "--dry-run", "--json")
    dtk.run("rate", "--query", "castle", "--rating", "0")
    dtk.run("rate", image, "--rating", "0")
    dtk.run("rate", image, "--rating", "none", "--json")
    dtk.run("rate", image, "--rating", "11")
    dtk.run("rate", image)
    dtk.run("rate", "--rating", "3")
    dtk.run("rate", image, "--query", "castle", "--rating", "3")
    dtk.run("rate", "4711", "--rating", "3")
    dtk.run("flag", image, "--favorite", "--json")
    dtk.run("flag", image, "--nsfw")
    dtk.run("flag", image, other, "--delete", "--json")
    dtk.run("flag", other, "--delete", "--off", "--json")
    dtk.run("flag", image)
    dtk.run("tag", "add", "blue [red]\x1b[31m hair", image, other, "--json")
    dtk.run("tag", "add", "fox", "--query", "fox", "--dry-run")
    dtk.run("tag", "add", "fox", "--query", "fox")
    dtk.run("tag", "list", "--json")
    dtk.run("tag", "list")
    dtk.run("tag", "merge", "fox", "blue [red]\x1b[31m hair", "--into", "azure", "--json")
    dtk.run("tag", "rename", "azure", "teal")
    dtk.run("tag", "remove", "Teal", image, "--json")
    dtk.run("tag", "remove", "nobody's", image)
    dtk.run("tag", "add", " ", image)
    dtk.run("album", "create", "Best", image, "--json")
    dtk.run("album", "create", "Foxes", "--smart", "fox")
    dtk.run("album", "create", "best")
    dtk.run("album", "add", "Best", other, image, "--json")
    dtk.run("album", "remove", "Best", image)
    dtk.run("album", "rename", "Best", "Best of", "--json")
    dtk.run("album", "move", "Foxes", "--place", "1", "--json")
    dtk.run("album", "list", "--json")
    dtk.run("album", "list")
    dtk.run("search", "album:foxes tag:teal", "--json")
    dtk.run("album", "delete", "Best of", "--dry-run", "--json")
    dtk.run("album", "delete", "Best of", "--json")
    dtk.run("album", "delete", "Best of")
    dtk.run("show", image, "--json")
    dtk.run("journal", "list")
    dtk.run("journal", "undo", "1", "--json")
    dtk.run("journal", "redo", "1", "--json")
    dtk.run("journal", "redo", "1")
    dtk.run("library", "delete", "--dry-run")
    dtk.run("library", "delete", "--dry-run", "--json")
    dtk.run("library", "delete")
    dtk.run("library", "delete", "--query", "nothing like it", "--yes", "--json")
    check(SNAPSHOTS / "json-organise.txt", dtk.text())


def test_queue_commands(dtk: Transcript, pictures: Path, db: Database) -> None:
    dtk.run("scan", str(pictures), "--json")
    dtk.run("queue", "add", "--all", "--dry-run", "--json")
    dtk.run("queue", "add", "--folder", str(pictures / "b"), "--kind", "embed", "--preview", "--json")
    dtk.run("queue", "add", "--folder", str(pictures / "b"), "--kind", "embed", "--preview")
    dtk.run("queue", "add", "--folder", str(pictures), "--recursive", "--kind", "embed", "--json")
    dtk.run("queue", "add", "--image", str(pictures / "a" / "0.png"), "--kind", "tag", "--now", "--json")
    dtk.run("queue", "add", "--query", "castle", "--kind", "tag", "--json")
    dtk.run("queue", "add", "--all", "--kind", "dance")
    dtk.run("queue", "add")
    dtk.run("queue", "add", "--all")
    with db.connection() as conn:
        conn.execute("UPDATE job SET state = 'failed', error = 'no luck', attempts = 3 WHERE id < 3")
    jobs = dtk.run("queue", "list", "--json")
    dtk.run("queue", "list", "--state", "failed", "--json")
    dtk.run("queue", "list", "--state", "asleep")
    dtk.run("queue", "list", "--limit", "3")
    first = str(max(job["id"] for job in jobs if isinstance(job, dict)))
    dtk.run("queue", "retry", "--json")
    dtk.run("queue", "priority", "10", "--kind", "tag", "--json")
    dtk.run("queue", "priority", "10", "--job", first, "--json")
    dtk.run("status", "--json")
    dtk.run("queue", "remove", first, "--json")
    dtk.run("queue", "clear", "--kind", "embed", "--json")
    dtk.run("queue", "clear", "--json")
    dtk.run("log", "--kind", "tag", "--json")
    dtk.run("log", "--outcome", "removed", "--since", "1h", "--limit", "1", "--json")
    dtk.run("log", "--outcome", "eaten")
    dtk.run("log", "--since", "yesterday or so")
    dtk.run("log", "--days", "--json")
    dtk.run("queue", "runs")
    together = ("queue", "add", "--folder", str(pictures), "-r", "--kind", "tag,caption")
    dtk.run(*together, "--dry-run", "--json")
    dtk.run(*together, "--json")
    dtk.run(*together)
    dtk.run("queue", "clear", "--kind", "tag", "--json")
    dtk.run("queue", "runs", "--json")
    dtk.run("queue", "runs", "--run", "1")
    dtk.run("queue", "runs", "--run", "4711")
    check(SNAPSHOTS / "json-queue.txt", dtk.text())


def test_worker_commands(dtk: Transcript, db: Database, config: Config) -> None:
    for word in ("start", "pause", "stop"):
        dtk.run("worker", word)
    engine = Engine(db, config)
    engine.open()
    try:
        while not (workers := snapshot(db).workers) or not workers[0].stats:
            time.sleep(0.02)
        dtk.run("worker", "stop")
        dtk.run("worker", "stop", "--worker", "4711")
        dtk.run("status", "--json")
        dtk.run("status")
    finally:
        engine.close()
    check(SNAPSHOTS / "json-worker.txt", dtk.text())


def test_other_commands(dtk: Transcript, pictures: Path, tmp_path: Path) -> None:
    dtk.run()
    dtk.run("--version")
    dtk.run("nonsense")
    dtk.run("config", "show", "--json")
    dtk.run("config", "path")
    dtk.run("models", "list", "--json")
    dtk.run("models", "verify", "--json")
    dtk.run("models", "verify", "nosuch", "--json")
    dtk.run("scan", str(pictures), "--json")
    dtk.run("db", "start")
    dtk.run("db", "stop")
    dtk.run("db", "reindex")
    dtk.run("db", "backup", str(tmp_path / "library.dump"))
    dtk.run("db", "backup", str(tmp_path / "library.dump"))
    dtk.run("db", "restore", str(tmp_path / "no.dump"), "--yes")
    dtk.run("db", "restore", str(tmp_path / "library.dump"), "--yes")
    dtk.run("export", "--diffusion-toolkit", str(tmp_path / "export.db"), "--json")
    dtk.run("export", "--diffusion-toolkit", str(tmp_path / "export.db"))
    dtk.run("export")
    check(SNAPSHOTS / "json-other.txt", dtk.text())


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A database of Diffusion Toolkit with ten images, one of them without a path."""
    path = tmp_path / "diffusion-toolkit.db"
    conn = sqlite3.connect(path)
    for statement in schema.TABLES:
        conn.execute(statement)
    row = "INSERT INTO Image (Path, FileName, Prompt, CreatedDate, Rating, FileSize) VALUES (?, ?, ?, ?, ?, 9)"
    for n in range(10):
        name = f"D:\\AI\\outputs\\{n % 3}\\{n}.png" if n else None
        conn.execute(row, (name, f"{n}.png", SUBJECTS[n % 3], 638_400_000_000_000_000, n))
    conn.commit()
    conn.close()
    return path


def test_migrate(dtk: Transcript, source: Path, tmp_path: Path) -> None:
    steps = frozenset({"seconds", *_steps()})
    common = ("--source", str(source), "--time-zone", "Europe/Berlin", "--map", f"D:\\AI={tmp_path}/here")
    dtk.run("migrate", *common, "--resume")
    dtk.run("migrate", *common, "--dry-run", "--json", varying=steps)
    dtk.run("migrate", *common, "--json", varying=steps)
    dtk.run("library", "roots", "--json")
    dtk.run("search", "fox", "--json")
    dtk.run("migrate", *common, "--policy", "newest", "--json", varying=steps)
    dtk.run("migrate", *common, "--policy", "oldest")
    dtk.run("migrate", "--undo", "--json")
    dtk.run("migrate", "--source", str(tmp_path / "none.db"), "--json")
    check(SNAPSHOTS / "json-migrate.txt", dtk.text())


def _steps() -> Iterator[str]:
    from dtk_tui.domain.imports import STEPS

    yield from STEPS


@pytest.mark.usefixtures("starter_models")
def test_commands_with_models(dtk: Transcript, pictures: Path, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DTK_MODELS", str(config.paths.models))
    measured = VARYING | {"provider", "cache_hits", "cache_misses", "confidence"}
    dtk.run("scan", str(pictures), "--json")
    dtk.run("queue", "add", "--all", "--json")
    dtk.run("worker", "run", "--until-empty", "--json", varying=measured)
    dtk.run(
        "similar", str(pictures / "a" / "0.png"), "--limit", "1", "--json", varying=measured | {"id", "path", "prompt"}
    )
    dtk.run("search", "about: a castle", "--limit", "1", "--json", varying=measured)
    dtk.run("show", str(pictures / "a" / "0.png"), "--json", varying=measured)
    which = {"worker", "path", "job_id", "image_id"}
    dtk.run("log", "--kind", "embed", "--limit", "1", "--json", varying=measured | which)
    dtk.run("status", "--json")
    check(SNAPSHOTS / "json-models.txt", dtk.text())
