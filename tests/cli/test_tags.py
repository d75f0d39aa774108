"""dtk tags threshold and nsfw: what scripts and people read, and what is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from dtk_tui.cli.application import application
from dtk_tui.config import Config
from dtk_tui.errors import DtkError, UsageError
from dtk_tui.services.doctor.finding import Verdict
from dtk_tui.services.doctor.library import LibraryFindings
from dtk_tui.store.database import Database
from tests.helpers.tag_scores import WD, add_images, give_scores, tags

Run = Callable[..., Result]


@pytest.fixture
def dtk(db: Database, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Commands on a library of four tagged images."""
    monkeypatch.setenv("DTK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DTK_DATABASE_URL", config.database_url or "")
    with db.connection() as conn:
        add_images(conn, 4)
    give_scores(db)

    def run(*arguments: str, answer: str = "") -> Result:
        return CliRunner().invoke(application, ["tags", *arguments], input=answer)

    return run


def _values(done: Result) -> list[object]:
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_scripts_get_three_numbers_and_are_asked_nothing(dtk: Run, db: Database) -> None:
    before = tags(db)
    command = ("threshold", "--tagger", "wd-vit", "--general", "0.4", "--character=0.8", "--json")
    expected = [{"added": 1, "removed": 2, "images": 2}]
    assert _values(dtk(*command, "--dry-run")) == expected
    assert tags(db) == before
    assert _values(dtk(*command)) == expected
    assert _values(dtk(*command)) == [{"added": 0, "removed": 0, "images": 0}]
    assert len(tags(db)) == len(before) - 1


def test_people_see_what_comes_are_asked_and_told_the_way_back(dtk: Run, db: Database) -> None:
    before = tags(db)
    command = ("threshold", "--tagger", "wd-vit", "--general", "0.4")
    done = dtk(*command, answer="n\n")
    assert done.stdout.startswith(
        "character: from 0.85 on\ngeneral: from 0.4 on (now 0.2614)\nrating: the best one holds\n"
        "0 tags come, 2 go, of 2 images, of 4 with scores of wd-vit-tagger-v3.\n"
    )
    assert done.stdout.endswith("Nothing was changed.\n")
    assert tags(db) == before
    with pytest.raises(DtkError, match="Nobody answered"):
        raise dtk(*command).exception or AssertionError
    done = dtk(*command, answer="y\n")
    assert done.stdout.endswith(
        "0 tags come, 2 go, of 2 images.\ndtk tags threshold --tagger wd-vit-tagger-v3 --general 0.2614 sets it back.\n"
    )
    assert "2 tags come" in dtk("threshold", "--tagger", WD, "--general", "0.2614", "--yes").stdout
    assert tags(db) == before


def test_without_a_tagger_the_thresholds_are_listed(dtk: Run, db: Database) -> None:
    shared = {"tagger": WD, "floor": 0.05, "images": 4, "unfinished": None}
    assert _values(dtk("threshold", "--json")) == [
        {"category": "character", "threshold": 0.85, "exclusive": False} | shared,
        {"category": "general", "threshold": 0.2614, "exclusive": False} | shared,
        {"category": "rating", "threshold": None, "exclusive": True} | shared,
    ]
    with db.connection() as conn:
        conn.execute("INSERT INTO tag_derivation (tagger, done) VALUES (%s, 3)", (WD,))
    assert f"made anew in part (3 of 4): dtk tags threshold --tagger {WD} goes on" in dtk("threshold").stdout
    assert _values(dtk("threshold", "--tagger", WD, "--json")) == [{"added": 0, "removed": 0, "images": 0}]
    assert "made anew" not in dtk("threshold").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--general", "0.4"), "Name the tagger"),
        (("--tagger", "wd", "--general", "many"), "--general needs a score, such as 0.4, and not 'many'"),
        (("--tagger", "wd", "--general"), "--general needs a score"),
        (("--tagger", "wd", "0.4"), "0.4 is not understood"),
        (("--tagger", "wd", "--dry-rum", "0.4"), "has no category dry-rum"),
        (("--tagger", "x"), "No tagger x has said anything yet"),
    ],
)
def test_what_is_not_understood_is_refused(dtk: Run, arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        raise dtk("threshold", *arguments, "--json").exception or AssertionError


def test_the_nsfw_rule_is_shown_before_it_flags(dtk: Run, db: Database, config: Config) -> None:
    folder = config.paths.home
    assert folder is not None
    folder.mkdir(exist_ok=True)
    (folder / "config.toml").write_text('[tags]\nnsfw = ["explicit >= 0.4"]\n')
    assert _values(dtk("nsfw", "--dry-run", "--json")) == [{"flagged": 2, "unflagged": 0}]
    done = dtk("nsfw", answer="n\n")
    assert done.stdout.startswith("rule: explicit >= 0.4\n2 images to flag, 0 to unflag.\n")
    assert _values(dtk("nsfw", "--json")) == [{"flagged": 2, "unflagged": 0}]
    (folder / "config.toml").unlink()
    assert dtk("nsfw", "--yes").stdout == "0 flagged, 2 unflagged.\n"
    (folder / "config.toml").write_text('[tags]\nnsfw = ["explicit > 0.4"]\n')
    with pytest.raises(DtkError, match=r"is no tag with a score; write one like explicit>=0\.5"):
        raise dtk("nsfw", "--yes").exception or AssertionError


_KILLED = """
import sys
from dtk_tui.cli.application import application
from dtk_tui.store.library.tagging import derive
derive.SOME, plain, number = 1, derive.derive_some, 0
def tell(words):
    print(words, number, flush=True)
    sys.stdin.readline()
def slow(*arguments):
    global number
    tell("before")
    found = plain(*arguments)
    tell("within")
    number += 1
    return found
derive.derive_some = slow
application(["tags", "threshold", "--tagger", "wd-vit", "--general", "0.4", "--json"])
"""


@pytest.mark.parametrize(("words", "done"), [("within 1", 1), ("before 3", 3)])
def test_a_command_that_is_killed_leaves_whole_images_and_is_gone_on_with(
    dtk: Run, db: Database, config: Config, words: str, done: int
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _KILLED], env=dict(os.environ), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin and process.stdout
        while (said := process.stdout.readline().strip()) != words:
            assert said
            process.stdin.write("\n")
            process.stdin.flush()
        process.kill()
    with db.connection() as conn:  # waits for the end of its transaction
        conn.execute("SELECT FROM tag_derivation FOR UPDATE")
    # Of the images 1 and 2 one tag goes each, by the new threshold; those that were not reached have the old tags.
    low = {(1, "snow/general"), (2, "fox/general")}
    assert {(image, name) for image, name, _, _ in tags(db) if (image, name) in low} == {
        one for one in low if one[0] > done
    }
    told = {"tagger": WD, "left": 4 - done, "images": 4}
    assert _status("--json") == json.dumps([told])
    assert f"Tags     {WD}: {4 - done} of 4 images go by the thresholds of before; dtk tags threshold" in _status()
    (found,) = [
        one for one in LibraryFindings(config, lambda _: Database.open(config)).findings() if one.subject == "tags"
    ]
    assert (found.verdict, found.advice) == (
        Verdict.NOTE, f"Make the rest anew, without inference: dtk tags threshold --tagger {WD}",
    )  # fmt: skip
    assert _values(dtk("threshold", "--tagger", WD, "--json")) == [{"added": 0, "removed": 2, "images": 2}]
    assert not {(image, name) for image, name, _, _ in tags(db)} & low
    assert _status("--json") == "[]" and "thresholds of before" not in _status()


def _status(*options: str) -> str:
    done = CliRunner().invoke(application, ["status", *options])
    assert done.exit_code == 0, done.output
    return json.dumps(json.loads(done.stdout)["tags_unfinished"]) if options else done.stdout
