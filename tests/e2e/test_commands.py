"""The command line as scripts use it: exit statuses, JSON, errors that say what to do."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import Dtk
from tests.helpers.pictures import write_many, write_png

NASTY = "[/x] [@click=app.quit]bold[/] \x1b]52;c;aGk=\x07 \x1b[31m \u202egnp.exe nul"


def test_bad_usage_is_2_and_failure_is_1(new_dtk: Dtk) -> None:
    dtk = new_dtk
    assert "no folder" in dtk.run("scan", "/no/such/folder", status=2)
    assert "known are tag, embed" in dtk.run("queue", "add", "--all", "--kind", "dance", status=2)
    assert "not in the library" in dtk.run("queue", "add", "--folder", "/tmp", status=2)
    assert "exactly one of" in dtk.run("queue", "add", status=2)
    assert "no image" in dtk.run("show", "4711", status=2)
    assert "^" in dtk.run("search", "steps:many", status=2), "an error points into the line"
    assert "nothing is embedded" in dtk.run("search", "about: dogs", status=1)
    (dtk.home / "config.toml").write_text("[worker]\nbatch_size = 'many'\n")
    assert "worker.batch_size" in dtk.run("status", status=1)


def test_a_server_that_is_not_there_is_named(dtk: Dtk) -> None:
    dtk.environ["DTK_DATABASE_URL"] = "postgresql://nobody:secret-word@127.0.0.1:1/none?connect_timeout=2"
    shown = dtk.run("status", status=1)
    assert "cannot be reached" in shown and "secret-word" not in shown
    assert "Start it, or correct DTK_DATABASE_URL" in shown


def test_the_json_that_scripts_rely_on(dtk: Dtk) -> None:
    library = dtk.home.parent / "library"
    paths = write_many(library / "sub", 3)
    dtk.run("db", "start")
    scanned = dtk.json("scan", str(library))
    assert set(scanned) >= {"seen", "added", "updated", "moved", "unchanged", "failed", "seconds"}
    queued = dtk.json("queue", "add", "--folder", str(library), "-r", "--kind", "embed", "--now")
    assert (queued["queued"], queued["already_done"], queued["spared"]) == (3, 0, 0)
    assert dtk.json("queue", "add", "--folder", str(library), "--kind", "embed")["queued"] == 0, "no image is in it"
    status = dtk.look("status")
    assert set(status) >= {
        "worker", "queue", "processed", "cache_hit_rate", "speed", "eta_s", "library", "provider",
    }  # fmt: skip
    assert status["queue"]["priority"] == 3 and status["queue"]["by_kind"] == {"embed": 3}
    assert status["library"]["images"] == 3
    jobs = dtk.looks("queue", "list")
    assert [job["kind"] for job in jobs] == ["embed"] * 3
    assert dtk.json("queue", "clear", "--kind", "embed")["removed"] == 3
    shown = dtk.look("show", str(paths[0]))
    promised = (
        "id path dialect prompt negative_prompt steps sampler scheduler cfg_scale seed width height model model_hash"
        " file_size rating favorite nsfw for_deletion albums tags captions group embedded error"
    )
    assert set(shown) >= set(promised.split())
    assert shown["group"] == {"representative": shown["id"], "members": 1}
    hits = dtk.looks("search", "a thing of kind 1")
    assert [set(hit) >= {"id", "path", "score"} for hit in hits] == [True]


def test_a_hostile_library_is_shown_and_survived(dtk: Dtk) -> None:
    library = dtk.home.parent / "library"
    good = write_png(library / "good.png", NASTY, seed=1)
    write_png(library / "long.png", "word, " * 170_000, seed=2)
    write_png(library / "nul.png", "a\0b", seed=3)
    odd = os.fsencode(library) + b"/caf\xe9 [b]x[ \x1b[31m.png"
    with open(odd, "wb") as file:
        file.write(good.read_bytes() + b"different")
    dtk.run("db", "start")
    dtk.run("scan", str(library))
    for command in (["search", "word"], ["search", "nul"], ["search", "folder:" + str(library)], ["queue", "list"]):
        printed = dtk.run(*command)
        assert "\x1b" not in printed and "\x07" not in printed and "\u202e" not in printed
    shown = json.loads(dtk.run("show", odd, "--json"))
    assert os.fsencode(shown["path"]) == odd
    assert shown["prompt"] == NASTY
    assert "\x1b" not in dtk.run("show", odd)
    assert dtk.json("queue", "add", "--all", "--kind", "embed,tag")["queued"] > 0
    assert "\x1b" not in dtk.run("queue", "list")


@pytest.mark.usefixtures("starter_models")
def test_backup_and_restore(dtk: Dtk) -> None:
    library = dtk.home.parent / "library"
    write_many(library, 4)
    dtk.run("db", "start")
    dtk.run("scan", str(library))
    dtk.run("queue", "add", "--all")
    dtk.run("worker", "run", "--until-empty")
    saved = dtk.home.parent / "library.dump"
    dtk.run("db", "backup", str(saved))
    assert "exists already" in dtk.run("db", "backup", str(saved), status=1)
    write_many(library / "more", 4, first=5000)
    dtk.run("scan", str(library))
    worker = dtk.start("worker", "run")
    while not dtk.look("status")["worker"]["workers"]:
        assert worker.poll() is None
        time.sleep(0.05)
    assert "uses this library" in dtk.run("db", "restore", str(saved), "--yes", status=1)
    worker.send_signal(signal.SIGINT)
    worker.communicate(timeout=300)
    assert dtk.look("status")["library"]["images"] == 8
    dtk.run("db", "restore", str(saved), "--yes")
    assert dtk.look("status")["library"]["images"] == 4
    (dtk.home.parent / "no.dump").write_text("not a dump")
    assert "unchanged" in dtk.run("db", "restore", str(dtk.home.parent / "no.dump"), "--yes", status=1)
    assert "no backup" in dtk.run("db", "restore", str(dtk.home.parent / "missing.dump"), status=1)
    assert dtk.look("status")["library"]["images"] == 4
    assert dtk.look("status")["library"]["vectors"] == {"dinov2-small": 4, "minilm-l6-v2": 4}
    assert dtk.run("search", "about: a thing of kind 2")
    dtk.run("db", "reindex")
    assert dtk.run("db", "psql", "-At", "-c", "SELECT count(*) FROM image").strip() == "4"
    dtk.run("db", "psql", "-c", "SELECT nonsense", status=1)
    dtk.run("db", "stop")


def test_a_connection_string_that_is_none_is_not_quoted(dtk: Dtk) -> None:
    dtk.environ["DTK_DATABASE_URL"] = "mysql://user:secret-word@host/x"
    assert "secret-word" not in dtk.run("status", status=1)


@pytest.mark.usefixtures("starter_models")
def test_a_misspelt_or_misplaced_model_ends_the_worker_with_its_name(dtk: Dtk) -> None:
    names = '[models]\ntext_embedder = "nosuch"\ntaggers = ["nosuch"]\n'
    (dtk.home / "config.toml").write_text(names)
    assert "nosuch" in dtk.run("worker", "run", "--until-empty", status=1)
    write_png(dtk.home.parent / "library/a.png", "a thing", seed=1)
    dtk.run("scan", str(dtk.home.parent / "library"))
    (dtk.home / "config.toml").write_text('[models]\ntaggers = ["minilm-l6-v2"]\n')
    dtk.run("queue", "add", "--all")
    assert "1 job is left" in dtk.run("worker", "run", "--until-empty", status=1)
    assert "minilm-l6-v2 is no tagger" in _shell(dtk, f"{dtk.program} doctor").stdout


def test_a_password_in_the_config_is_never_shown(dtk: Dtk) -> None:
    (dtk.home / "config.toml").write_text('[database]\nurl = "postgresql://u:secret-word@127.0.0.1:1/d"\n')
    assert "secret-word" not in dtk.run("config", "show") + dtk.run("config", "show", "--json")
    assert "secret-word" not in dtk.run("doctor", status=1)


def test_where_the_config_is(dtk: Dtk) -> None:
    assert dtk.run("config", "path").strip() == str(Path(dtk.home) / "config.toml")


def test_output_that_nobody_takes(dtk: Dtk) -> None:
    command = f"{dtk.program} models list --json"
    ended = _shell(dtk, f"{command} | head -n 1; echo ${{PIPESTATUS[0]}}")
    assert ended.stdout.splitlines()[-1] in ("141", "0") and not ended.stderr
    ended = _shell(dtk, f"{dtk.program} models list | sleep 0; echo ${{PIPESTATUS[0]}}")
    assert ended.stdout.splitlines()[-1] in ("141", "0") and not ended.stderr
    ended = _shell(dtk, f"{command} > /dev/full")
    assert ended.returncode == 1
    assert "cannot be written" in ended.stderr and "Traceback" not in ended.stderr
    ended = _shell(dtk, f"PYTHONIOENCODING=latin-1 {dtk.program} scan '/no \u5bae'")
    assert ended.returncode == 2 and "no folder /no ?" in ended.stderr
    ended = _shell(dtk, f"{command} <&- >&-; {dtk.program} <&-")
    assert ended.returncode == 1 and "needs a terminal" in ended.stderr and "Traceback" not in ended.stderr


def _shell(dtk: Dtk, line: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", "-c", line], env=dtk.environ, capture_output=True, text=True, check=False)


_INTERRUPTED_AT = """
import os, signal, sys

wanted, sys.argv[1:] = sys.argv[1], ["models", "list"]

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == wanted:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupt())
from dtk_tui.__main__ import main
main()
"""


_INTERRUPTED_IN_A_CLASS = """
import os, signal, sys

class Named:
    def __set_name__(self, owner, name):
        os.kill(os.getpid(), signal.SIGINT)

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "dtk_tui.cli.models":
            type("Widget", (), {"disabled": Named()})

sys.argv[1:] = ["models", "list"]
sys.meta_path.insert(0, Finder())
from dtk_tui.__main__ import main
main()
"""


def test_interrupted_while_a_class_is_made(dtk: Dtk) -> None:
    command = [sys.executable, "-c", _INTERRUPTED_IN_A_CLASS]
    ended = subprocess.run(command, env=dtk.environ, capture_output=True, check=False, timeout=300)
    assert (ended.returncode, ended.stderr) == (130, b"")


@pytest.mark.parametrize("module", ["dtk_tui.cli", "typer", "dtk_tui.cli.models", "dtk_tui.inference.manifest"])
def test_interrupted_while_it_loads(dtk: Dtk, module: str) -> None:
    command = [sys.executable, "-c", _INTERRUPTED_AT, module]
    ended = subprocess.run(command, env=dtk.environ, capture_output=True, check=False, timeout=300)
    assert (ended.returncode, ended.stderr) == (130, b"")


@pytest.mark.parametrize(
    "arguments",
    [
        ("search", "x", "--limit", "0"),
        ("search", "x", "--limit", "9223372036854775808"),
        ("queue", "remove", "9223372036854775808"),
        ("queue", "retry", "--job", "0"),
        ("worker", "stop", "--worker", "9223372036854775808"),
        ("log", "--since", "99999999999d"),
    ],
)
def test_numbers_that_cannot_be_are_refused_by_name(dtk: Dtk, arguments: tuple[str, ...]) -> None:
    said = dtk.run(*arguments, status=2)
    name = next((part for part in arguments if part.startswith("--")), "JOB")
    assert name in said and "Traceback" not in said


def test_what_a_scan_could_not_do_is_said(dtk: Dtk) -> None:
    library, alias = dtk.home.parent / "library", dtk.home.parent / "alias"
    write_many(library, 2)
    for number in range(12):
        (library / f"empty{number}.png").touch()
    alias.symlink_to(library)
    dtk.run("db", "start")
    scanned = _shell(dtk, f"{dtk.program} scan {library} --json")
    assert json.loads(scanned.stdout)["failed"] == 12
    said = scanned.stderr.splitlines()
    assert len(said) == 11 and "empty0.png: The file is empty" in said[0] and "2 more: dtk library failures" in said[-1]
    assert len(dtk.looks("library", "failures", str(alias))) == 12
    again = _shell(dtk, f"{dtk.program} scan {alias}/. --json")
    assert json.loads(again.stdout)["unchanged"] == 14
    assert f"in the library as {library}" in again.stderr
    assert len(dtk.looks("library", "roots")) == 1
    assert dtk.look("show", str(alias / "00000.png"))["path"] == str(library / "00000.png")
    (dtk.home / "config.toml").write_text(f'[paths]\nmap = {{ "{library}" = "/mnt/elsewhere" }}\n')
    assert dtk.look("show", "/mnt/elsewhere/00001.png")["path"] == str(library / "00001.png")
    library.rename(dtk.home.parent / "away")
    gone = _shell(dtk, f"{dtk.program} scan --json")
    assert gone.returncode == 1 and json.loads(gone.stdout)["seen"] == 0
    assert f"{library} is not there; its 14 images stay" in gone.stderr and "nothing was scanned" in gone.stderr
    assert dtk.looks("library", "roots")[0]["missing"] == 0
    assert "not there" in dtk.run("library", "roots")


def test_a_question_that_is_declined_is_answered(dtk: Dtk) -> None:
    here, away = dtk.home.parent / "here", dtk.home.parent / "away"
    for folder in (here, away):
        write_many(folder, 2)
    dtk.run("scan", str(here), str(away))
    (here / "00000.png").unlink()
    dtk.run("scan")
    away.rename(dtk.home.parent / "elsewhere")
    dtk.run("scan", str(here))
    declined = _shell(dtk, f"echo n | {dtk.program} library prune {here}")
    assert declined.returncode == 0 and declined.stdout.endswith("Nothing was forgotten.\n")
    assert "1 image of the library has no file" in declined.stdout and str(away) not in declined.stderr, (
        "only what is asked for is told"
    )
    declined = _shell(dtk, f"echo n | {dtk.program} library remove {here}")
    assert declined.returncode == 0 and declined.stdout.endswith("Nothing was taken out.\n")
    assert dtk.json("library", "prune", "--yes")["pruned"] == 1


@pytest.mark.usefixtures("starter_models")
def test_models_are_verified_whole_or_not_and_nothing_is_written_elsewhere(dtk: Dtk) -> None:
    models, user = dtk.home.parent / "models", dtk.home.parent / "user"
    (models / "open-nsfw").mkdir(parents=True)
    user.mkdir()
    whole = Path(dtk.environ["DTK_MODELS"]) / "open-nsfw/open-nsfw.onnx"
    copy = models / "open-nsfw/open-nsfw.onnx"
    os.link(whole, copy) if whole.stat().st_dev == models.stat().st_dev else shutil.copy(whole, copy)
    dtk.environ |= {"DTK_MODELS": str(models), "HOME": str(user)}
    assert "open-nsfw.onnx: ok" in dtk.run("models", "verify")
    dtk.run("doctor", status=1)
    copy.unlink()
    copy.write_bytes(b"short")
    assert "open-nsfw" in dtk.run("models", "verify", status=1)
    assert not list(user.iterdir())


def test_a_locale_without_utf8_moves_no_file(new_dtk: Dtk, tmp_path: Path) -> None:
    dtk = new_dtk
    write_png(tmp_path / "pictures" / "h\u00fctte \u65e5\u672c.png", "a hut")
    assert dtk.json("scan", str(tmp_path / "pictures"))["added"] == 1
    dtk.environ |= {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    again = dtk.json("scan")
    assert (again["unchanged"], again["added"], again["moved"]) == (1, 0, 0)
    assert dtk.json("show", str(tmp_path / "pictures" / "h\u00fctte \u65e5\u672c.png"))["prompt"] == "a hut"


def test_a_question_that_nobody_answers_changes_nothing(dtk: Dtk, tmp_path: Path) -> None:
    picture = write_png(tmp_path / "pictures" / "one.png", "a hut")
    dtk.run("scan", str(picture.parent))
    picture.rename(tmp_path / "away.png")
    dtk.run("scan")
    for question in (("library", "prune"), ("library", "remove", str(picture.parent))):
        said = subprocess.run(
            [dtk.program, *question],
            env=dtk.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert said.returncode == 1
        assert "Nobody answered, and nothing was done" in said.stderr and "--yes" in said.stderr
    assert dtk.json("library", "prune", "--dry-run")["unavailable"] == 1
    assert "There is no folder" in dtk.run("library", "exclude", str(picture.parent / "typo"), status=2)
