"""Pictures that moved after Diffusion Toolkit saw them last and before the first scan keep what people gave them."""

from __future__ import annotations

import hashlib
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from dtk_tui.config import Config
from dtk_tui.services.diffusion_toolkit.undo import undo
from dtk_tui.services.scan.dry_run import dry_run
from dtk_tui.services.scan.scanner import scan
from dtk_tui.store.database import Database
from tests.helpers.imports.runs import run_import
from tests.helpers.imports.sources import USUAL, write_source
from tests.helpers.pictures import write_png

PARAMETERS = {"Prompt": "a red fox", "NegativePrompt": None, "Steps": 20, "Seed": 5, "CFGScale": 7.0}
NOTHING = {**dict.fromkeys(PARAMETERS), "Prompt": None, "NoMetadata": 1}


def infotext(prompt: str = "a red fox", seed: int = 5) -> str:
    return f"{prompt}\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: {seed}, Size: 512x512"


def known(path: Path, rating: int, **values: Any) -> dict[str, Any]:
    """A row of Diffusion Toolkit for the file at a path."""
    size = {"FileSize": path.stat().st_size, "Width": 64, "Height": 64}
    return {**USUAL, **PARAMETERS, "Path": str(path), "Rating": rating, **size, **values}


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def move(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    path.rename(target)


class Library:
    """A library into which a source is brought, and what it says after a scan."""

    def __init__(self, db: Database, config: Config, folder: Path) -> None:
        self.db, self.config, self.folder = db, config, folder
        self.pictures = folder / "pictures"

    def write(self, name: str, text: str | None = None, seed: int = 1) -> Path:
        return write_png(self.pictures / name, text=text, seed=seed)

    def bring(self, *images: dict[str, Any]) -> None:
        write_source(self.folder / "source.db", list(images))
        run_import(self.db, self.config, self.folder / "source.db")

    def scan(self, *folders: Path) -> dict[str, float]:
        return scan(self.db, self.config, [str(path) for path in folders or (self.pictures,)])

    def ratings(self) -> dict[str, int | None]:
        """Return the ratings of what is there, by path below the pictures."""
        with self.db.connection() as conn:
            rows = conn.execute(
                "SELECT folder.path || '/' || file_name, rating FROM image JOIN folder ON folder.id = folder_id"
                " WHERE NOT image.unavailable AND scan_phase = 1 AND fingerprint IS NOT NULL"
            )
            return {path.removeprefix(f"{self.pictures}/"): rating for path, rating in rows}


@pytest.fixture
def library(db: Database, config: Config, tmp_path: Path) -> Library:
    return Library(db, config, tmp_path)


@pytest.mark.parametrize("is_empty", [True, False])
def test_by_content(library: Library, is_empty: bool) -> None:
    if not is_empty:
        library.write("first.png", infotext())
        library.scan()
        (library.pictures / "first.png").unlink()
    solo, other = library.write("in/solo.png"), library.write("in/other.png", seed=9)
    library.bring(
        known(solo, 7, Hash=sha256(solo), Favorite=1, **NOTHING),
        known(other, 3, Hash=sha256(other).upper(), **NOTHING),
    )
    move(solo, library.pictures / "sorted" / "solo renamed.png")
    move(other, library.folder / "elsewhere" / "1.png")
    both = library.pictures, library.folder / "elsewhere"
    expected = dry_run(library.db, library.config, [str(path) for path in both])
    counts = library.scan(*both)
    assert [expected[key] for key in ("added", "moved", "gone")] == [counts[key] for key in ("added", "moved", "gone")]
    assert (counts["added"], counts["moved"], counts["gone"]) == (0, 2, 0 if is_empty else 1)
    with library.db.connection() as conn:
        dates = conn.execute("SELECT DISTINCT extract(year FROM created_at) FROM image WHERE rating IS NOT NULL")
        assert dates.fetchall() == [(2023,)]
    assert library.ratings() == {"sorted/solo renamed.png": 7, f"{library.folder}/elsewhere/1.png": 3}


def test_only_the_new_folder_is_scanned(library: Library) -> None:
    solo = library.write("in/solo.png")
    library.bring(known(solo, 7, Hash=sha256(solo), **NOTHING))
    move(solo, library.pictures / "new" / "solo.png")
    library.scan(library.pictures / "new")
    assert library.ratings() == {"new/solo.png": 7}


def test_other_content_of_one_size_is_another_picture(library: Library) -> None:
    solo = library.write("in/solo.png")
    row = known(solo, 7, Hash="0" * 64, **NOTHING)
    library.bring(row)
    move(solo, library.pictures / "new" / "solo.png")
    library.scan()
    assert library.ratings() == {"new/solo.png": None}


def test_a_copy_of_what_is_still_there_is_a_new_image(library: Library) -> None:
    solo = library.write("in/solo.png")
    library.bring(known(solo, 7, Hash=sha256(solo), **NOTHING))
    library.write("copy/solo.png")
    library.scan()
    assert library.ratings() == {"in/solo.png": 7, "copy/solo.png": None}


def test_by_size_name_and_parameters(library: Library) -> None:
    first, second = library.write("a/00001.png", infotext(seed=5)), library.write("b/00001.png", infotext(seed=6))
    assert first.stat().st_size == second.stat().st_size
    library.bring(known(first, 4), known(second, 8, Seed=6))
    move(first, library.pictures / "c" / "00001.png")
    move(second, library.pictures / "d" / "00001.png")
    library.write("e/00001.png", infotext(seed=7))
    library.write("f/00002.png", infotext(seed=5))
    assert dry_run(library.db, library.config, [str(library.pictures)])["moved"] == 2
    assert library.scan()["moved"] == 2
    assert library.ratings() == {"c/00001.png": 4, "d/00001.png": 8, "e/00001.png": None, "f/00002.png": None}


def test_where_several_fit_none_is_taken(library: Library) -> None:
    two, one = library.write("a/x.png", infotext()), library.write("c/y.png", infotext())
    library.bring(known(two, 4), known(two, 5, Path=str(library.pictures / "b" / "x.png")), known(one, 6))
    move(two, library.pictures / "new" / "x.png")
    move(one, library.pictures / "new" / "y.png")
    library.write("newer/y.png", infotext())
    library.scan()
    assert library.ratings() == {"new/x.png": None, "new/y.png": None, "newer/y.png": None}


def test_a_name_may_be_decomposed_on_the_disk(library: Library) -> None:
    name = unicodedata.normalize("NFC", "Café/été.png")
    path = library.write(unicodedata.normalize("NFD", name), infotext())
    library.bring(known(path, 9, Path=str(library.pictures / name)))
    library.scan()
    assert library.ratings() == {unicodedata.normalize("NFD", name): 9}


def test_what_moved_and_was_scanned_before_the_import(library: Library) -> None:
    solo, plain = library.write("in/solo.png"), library.write("in/plain.png", infotext(seed=9), seed=2)
    twins = [library.write(f"in/{n}/twin.png", infotext(seed=4), seed=3) for n in "ab"]
    here, other = library.write("here.png", infotext(seed=7), seed=4), library.write("in/other.png", seed=5)
    rows = [
        known(solo, 7, Hash=sha256(solo), Favorite=1, **NOTHING),
        known(plain, 6, Seed=9),
        *[known(twin, 5, Seed=4) for twin in twins],
        known(here, 4, Seed=7),
        known(other, 3, Hash="0" * 64, **NOTHING),
    ]
    move(solo, library.pictures / "sorted" / "solo renamed.png")
    for file in (plain, *twins, other):
        move(file, library.pictures / "sorted" / file.relative_to(library.pictures / "in"))
    (library.pictures / "sorted" / "here.png").write_bytes(here.read_bytes())
    library.scan()
    library.bring(*rows)
    expected = {
        "sorted/solo renamed.png": 7,
        "sorted/plain.png": 6,
        "sorted/a/twin.png": None,
        "sorted/b/twin.png": None,
        "here.png": 4,
        "sorted/here.png": None,
        "sorted/other.png": None,
    }
    assert library.ratings() == expected
    counts = library.scan()
    assert (counts["added"], counts["moved"]) == (0, 0)
    assert library.ratings() == expected
    undo(library.db)
    assert library.ratings() == dict.fromkeys(expected)
