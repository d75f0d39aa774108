"""Caption files: written for trainers, and taken in; files of other people stay as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from dtk_tui.config import Config
from dtk_tui.domain.caption_files import CaptionFormat
from dtk_tui.domain.captions import ModelText, WhenThere
from dtk_tui.services.captions import places as caption_places
from dtk_tui.services.captions import versions as captions
from dtk_tui.services.captions.export import ExportOptions, ExportResult, export
from dtk_tui.services.captions.importing import ImportResult, import_files
from dtk_tui.services.library import journal
from dtk_tui.store.database import Database
from dtk_tui.store.library import captions as store
from tests.helpers.search_library import Library

CAPTION = "A fox [red]\x1b[31m,\nin snow \udce9"


class Dataset:
    """Images in two folders of a root, and how to export and import their captions."""

    def __init__(self, db: Database, config: Config, folder: Path) -> None:
        self.db, self.config, self.root = db, config, folder / "root"
        (self.root / "b").mkdir(parents=True)
        with db.connection() as conn:
            library = Library(conn)
            names = (("", "1.png"), ("b", "1.png"), ("", "2.png"), ("", "2.jpg"), ("", "3.png"))
            self.ids = [
                library.image(name, folder=str(self.root / sub), tags=[("a_tag", 0.5), ("b_tag", None), ("c_tag", 0.9)])
                for sub, name in names
            ]
            conn.execute("UPDATE folder SET parent_id = 1 WHERE path = %s", (str(self.root / "b"),))
            texts = [ModelText(n, "descriptive", "joy", CAPTION if n == 1 else f"text {n}") for n in self.ids[:4]]
            captions.save(conn, texts, WhenThere.KEEP)

    def places(self, folder: Path | None, ending: str) -> caption_places.CaptionPlaces:
        with self.db.connection() as conn:
            return caption_places.places(conn, self.config, None if folder is None else str(folder), ending)

    def export(self, to: Path | None = None, ending: str = ".txt", **options: object) -> ExportResult:
        form = CaptionFormat(**{"trigger": "ohwx"} | dict(options.pop("form", {})))  # type: ignore[call-overload, arg-type]
        return export(self.db, self.ids, self.places(to, ending), ExportOptions(form, **options))  # type: ignore[arg-type]

    def take(self, folder: Path | None = None, ending: str = ".txt", dry_run: bool = False) -> ImportResult:
        return import_files(self.db, self.ids, self.places(folder, ending), "descriptive", dry_run=dry_run)

    def said(self, image_id: int) -> list[tuple[str, str]]:
        with self.db.connection() as conn:
            return [(one.source, one.text) for one in store.current(conn, [image_id]).get(image_id, [])]


@pytest.fixture
def dataset(db: Database, config: Config, tmp_path: Path) -> Dataset:
    return Dataset(db, config, tmp_path)


def test_files_beside_the_images(dataset: Dataset) -> None:
    seen = dataset.export(dry_run=True)
    assert (seen.written, seen.refused, seen.empty) == (3, 1, 1)
    assert not list(dataset.root.rglob("*.txt"))
    done = dataset.export()
    assert (done.written, done.refused, done.empty, done.failed) == (3, 1, 1, 0)
    assert done.named == [(f"{dataset.root}/2.txt", f"another image has this file already: {dataset.root}/2.jpg")]
    assert (dataset.root / "1.txt").read_bytes() == b"ohwx, A fox [red]\x1b[31m, in snow ?"
    assert (dataset.root / "b" / "1.txt").read_bytes() == b"ohwx, text 2"
    assert dataset.export().unchanged == 3
    assert (dataset.root / "1.txt").stat().st_mode & 0o777 == 0o644
    assert not [path for path in dataset.root.rglob("*") if path.name.startswith(".")]


def test_a_file_of_somebody_else_stays(dataset: Dataset, tmp_path: Path) -> None:
    mine = dataset.root / "1.txt"
    mine.write_text("mine")
    (tmp_path / "secret").write_text("secret")
    (dataset.root / "b" / "1.txt").symlink_to(tmp_path / "secret")
    (dataset.root / "2.txt").mkdir()
    done = dataset.export()
    assert (done.written, done.refused, done.failed) == (0, 3, 1)
    assert mine.read_text() == "mine"
    assert dataset.export(overwrite=True).written == 2
    assert mine.read_text().startswith("ohwx, ")
    assert (tmp_path / "secret").read_text() == "secret"
    # What an export wrote, an export replaces; not what somebody changed since.
    assert dataset.export(form={"trigger": "sks"}).written == 2
    mine.write_text("changed")
    done = dataset.export()
    assert (done.written, mine.read_text()) == (1, "changed")


def test_files_in_a_folder_repeat_the_folders_of_the_library(dataset: Dataset, tmp_path: Path) -> None:
    form = {"parts": ("tags", "caption"), "trigger": ""}
    done = dataset.export(tmp_path / "out", ".caption", form=form, confidence=0.6)
    assert (done.written, done.refused) == (4, 1)
    assert (tmp_path / "out" / "b" / "1.caption").read_text() == "b tag, c tag, text 2"
    assert (tmp_path / "out" / "3.caption").read_text() == "b tag, c tag"
    assert not list(dataset.root.rglob("*.caption"))
    assert dataset.take(tmp_path / "out", ".caption").ours == 5, "a.png and a.jpg have one file"


def test_captions_are_taken_from_files(dataset: Dataset) -> None:
    root = dataset.root
    (root / "1.txt").write_bytes(b"\xef\xbb\xbfby \xc3\xa9 hand \x00\r\n")
    (root / "b" / "1.txt").write_text("a castle\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, Size: 512x512")
    (root / "2.png.txt").write_bytes("zwölf".encode("utf-16"))
    (root / "3.txt").write_text(" \n")
    seen = dataset.take(dry_run=True)
    assert (seen.imported, seen.parameters, seen.failed, seen.journal) == (2, 1, 1, None)
    assert dataset.said(1) == [("joy", CAPTION)]
    done = dataset.take()
    assert (done.imported, done.named) == (2, [(f"{root}/3.txt", "it is empty")])
    assert dataset.said(1) == [("file", "by é hand \x00"), ("joy", CAPTION)]
    assert dataset.said(3) == [("file", "zwölf"), ("joy", "text 3")]
    assert dataset.take().unchanged == 2
    (root / "1.txt").write_text("other")
    assert dataset.take().imported == 1
    assert journal.undo(dataset.db, done.journal or 0).left == ((1, f"{root}/1.png"),)
    assert dataset.said(3) == [("joy", "text 3")]
    with dataset.db.connection() as conn:
        captions.set_text(conn, 1, "edited")
    assert dataset.said(1)[0] == ("file", "edited")
    again = dataset.take()
    assert (again.kept, again.imported) == (1, 1)
    assert dataset.said(1)[0] == ("file", "edited")
