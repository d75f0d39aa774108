"""Files beside the pictures: what they say is in the library as long as they say it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from dtk_tui.config import Config
from dtk_tui.services.scan.dry_run import dry_run
from dtk_tui.services.scan.scanner import scan
from dtk_tui.store.database import Database
from dtk_tui.store.library import images
from tests.helpers.metadata import files
from tests.helpers.pictures import infotext, write_png


def _prompt(db: Database, path: Path) -> str | None:
    with db.connection() as conn:
        found = images.detail(conn, images.find(conn, str(path)) or 0)
    assert found is not None, f"{path} is not in the library"
    return found.prompt


def _updated(db: Database, config: Config, folder: Path) -> float:
    foreseen = dry_run(db, config, [str(folder)])["updated"]
    updated = scan(db, config, [str(folder)])["updated"]
    assert updated == foreseen, "a dry run says what will be"
    assert scan(db, config, [str(folder)])["updated"] == 0, "and then there is nothing to do"
    return updated


@pytest.mark.parametrize("odd", ["plain", "caf\udce9", "new\nline"])
def test_a_sidecar_appears_changes_and_vanishes(db: Database, config: Config, tmp_path: Path, odd: str) -> None:
    silent = write_png(tmp_path / f"{odd}.png")
    write_png(tmp_path / "other.png", size=(70, 70))
    told = write_png(tmp_path / "told.png", "what the file says", seed=4)
    told.with_suffix(".txt").write_text(infotext("what somebody says", 5))
    scan(db, config, [str(tmp_path)])
    with db.connection() as conn:
        conn.execute("UPDATE image SET rating = 5")
    beside = silent.with_suffix(".txt")
    beside.write_text(infotext("a red barn", 7))
    os.utime(beside, (1_000_000_000, 1_000_000_000))  # older than the picture: a copy that kept its time
    assert _updated(db, config, tmp_path) == 1
    assert _prompt(db, silent) == "a red barn"
    beside.write_text(infotext("a blue barn", 7))
    assert _updated(db, config, tmp_path) == 1
    assert _prompt(db, silent) == "a blue barn"
    beside.rename(silent.with_suffix(".json"))
    assert _updated(db, config, tmp_path) == 1
    silent.with_suffix(".json").unlink()
    assert _updated(db, config, tmp_path) in (0, 1)
    assert _prompt(db, silent) is None
    told.with_suffix(".txt").write_text(infotext("what somebody says now", 5))
    assert _updated(db, config, tmp_path) == 0, "a file that speaks for itself is left alone"
    assert _prompt(db, told) == "what the file says"
    with db.connection() as conn:
        assert conn.execute("SELECT DISTINCT rating FROM image").fetchall() == [(5,)]


def test_a_log_that_grows(db: Database, config: Config, tmp_path: Path) -> None:
    first, second = write_png(tmp_path / "first.png"), write_png(tmp_path / "second.png", seed=2)
    log = tmp_path / "log.html"

    def entry(path: Path, prompt: str) -> str:
        told = json.dumps({"Prompt": prompt, "Negative Prompt": "", "Seed": 3, "Steps": 30, "Sampler": "euler"})
        cells = "".join(
            f"<td class='label'>{key}</td><td class='value'>{value}</td>" for key, value in json.loads(told).items()
        )
        return f"<div><img src='{path.name}'>{cells}</div>"

    log.write_text(entry(first, "a red barn"))
    scan(db, config, [str(tmp_path)])
    assert (_prompt(db, first), _prompt(db, second)) == ("a red barn", None)
    log.write_text(entry(first, "a red barn") + entry(second, "a blue barn"))
    assert _updated(db, config, tmp_path) == 2
    assert (_prompt(db, first), _prompt(db, second)) == ("a red barn", "a blue barn")


def test_sidecars_of_a_folder_that_moved(db: Database, config: Config, tmp_path: Path) -> None:
    silent = write_png(tmp_path / "old" / "a.png")
    silent.with_suffix(".txt").write_text(infotext("a red barn", 7))
    scan(db, config, [str(tmp_path)])
    (tmp_path / "old").rename(tmp_path / "new")
    assert scan(db, config, [str(tmp_path)])["moved"] == 1
    assert _prompt(db, tmp_path / "new" / "a.png") == "a red barn"
    assert _updated(db, config, tmp_path) == 0


def test_sidecars_with_the_whole_name_and_in_the_folder_for_videos(
    db: Database, config: Config, tmp_path: Path
) -> None:
    silent, video = write_png(tmp_path / "a.png"), tmp_path / "x.mp4"
    video.write_bytes(files.mp4({}))
    scan(db, config, [str(tmp_path)])
    (tmp_path / "a.png.txt").write_text(infotext("a red barn", 7))
    (tmp_path / "sidecars").mkdir()
    beside = tmp_path / "sidecars" / "x.json"
    beside.write_text(json.dumps({"invokeai_metadata": json.dumps({"positive_prompt": "a tide clock", "seed": 7})}))
    assert _updated(db, config, tmp_path) == 2
    assert (_prompt(db, silent), _prompt(db, video)) == ("a red barn", "a tide clock")
    beside.write_text(json.dumps({"invokeai_metadata": json.dumps({"positive_prompt": "a clock", "seed": 7})}))
    assert _updated(db, config, tmp_path) == 1
    assert _prompt(db, video) == "a clock"
