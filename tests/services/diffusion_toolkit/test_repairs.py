"""Nothing changes in silence: what is not brought over as it stands has a note, and the export gives the rest back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from dtk_tui.config import Config
from dtk_tui.domain.imports import ImportReport
from dtk_tui.errors import DtkError
from dtk_tui.services.diffusion_toolkit import schema
from dtk_tui.services.diffusion_toolkit.export import export
from dtk_tui.store.database import Database
from dtk_tui.store.scan import raw_metadata
from tests.helpers.imports.runs import fetch_one, run_import

DATE = 638085024001234567
FOLDER = {
    "ParentId": 0, "Path": "D:\\AI", "ImageCount": 0, "Unavailable": 0, "Archived": 0, "Excluded": 0, "IsRoot": 1,
    "Recursive": 1, "Watched": 0,
}  # fmt: skip
IMAGE = {
    "RootFolderId": 1, "FolderId": 1, "Prompt": "a red fox", "NegativePrompt": "blurry", "Steps": 20,
    "Sampler": "Euler a", "CFGScale": 7.5, "Seed": 5, "Width": 512, "Height": 512, "Model": "m", "BatchSize": 1,
    "BatchPos": 0, "CreatedDate": DATE, "ModifiedDate": DATE, "Rating": 5, "Favorite": 0, "ForDeletion": 0, "NSFW": 0,
    "Unavailable": 0, "ClipSkip": 1, "FileSize": 1234, "NoMetadata": 0, "HasError": 0, "Type": 0,
}  # fmt: skip
USUAL: dict[str, dict[str, Any]] = {
    "Folder": FOLDER,
    "Image": IMAGE,
    "Album": {"Name": "album", "Order": 0, "LastUpdated": DATE},
    "Tag": {"Name": "tag"},
    "Query": {"Name": "query", "QueryJson": '{"Query": "fox"}', "CreatedDate": DATE},
    "Node": {"ImageId": 1, "NodeId": "1", "Name": "KSampler"},
    "NodeProperty": {"NodeId": 1, "Name": "seed", "Value": "1"},
}
#: Values that a column may hold though Diffusion Toolkit does not write them; bytes in a list are text.
EVIL: tuple[Any, ...] = (
    None, 0, 1, -1, 2, 11, 2**31 - 1, 2**31, 2**53 + 1, 2**62, 2**63 - 1, -(2**63), 0.0, 1.5, 1e-5, 1e300,
    float("inf"), -float("inf"), 5e-324, "", " ", "\n", "0", "true", "no", "abc", "12", "12.5", " 7 ", "nan",
    "O'Brien \"q\", ;\\", "a\tb\r\nc", "\\.", "a\n\\.\nb", "\\N", "\U0001f600\u202eRTL", b"", b"\x00\xff", b"12",
    [b"bad\xff\xfeutf"], [b"nul\x00in"], [b"\xed\xa0\x80"], [b"\xf4\x8f\xbf\xbe"], "\ufffe\U0010ffff",
)  # fmt: skip


class Source:
    """A database of Diffusion Toolkit that is written by hand; it has none of the indexes that forbid things."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.conn = sqlite3.connect(path)
        for statement in schema.TABLES:
            self.conn.execute(statement)

    def add(self, table: str, **values: Any) -> int:
        """Insert a row with usual values in what is not given; return its rowid."""
        row = {**USUAL.get(table, {}), **values}
        if table == "Image":
            row.setdefault("Path", f"D:\\AI\\{self.count('Image'):05d}.png")
        marks = ", ".join("CAST(? AS TEXT)" if isinstance(value, list) else "?" for value in row.values())
        names = ", ".join(f'"{name}"' for name in row)
        bound = [value[0] if isinstance(value, list) else value for value in row.values()]
        return int(self.conn.execute(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', bound).lastrowid or 0)

    def count(self, table: str) -> int:
        return int(self.conn.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0])

    def close(self) -> Path:
        self.conn.commit()
        self.conn.close()
        return self.path


@pytest.fixture
def source(tmp_path: Path) -> Source:
    made = Source(tmp_path / "source.db")
    made.add("Folder")
    return made


def notes(report: ImportReport) -> list[dict[str, Any]]:
    if report.notes_file is None:
        return []
    return [json.loads(text) for text in Path(report.notes_file).read_text(encoding="utf-8").splitlines()]


def rows(path: Path, table: str) -> dict[int, dict[str, Any]]:
    """Return the rows by rowid; texts are lists of bytes, so that a binary value is another one."""
    conn = sqlite3.connect(path)
    conn.text_factory = lambda text: [text]  # type: ignore[assignment]
    try:
        columns = [row[1][0].decode() for row in conn.execute(f'PRAGMA table_info("{table}")')]
        return {
            row[0]: dict(zip(columns, row[1:], strict=True)) for row in conn.execute(f'SELECT rowid, * FROM "{table}"')
        }
    finally:
        conn.close()


#: What is the same to Diffusion Toolkit, or follows from the path.
def _same(table: str, column: str, old: Any, new: Any) -> bool:
    if (table, column) in {("Image", "FolderId"), ("Image", "FileName"), ("Folder", "ParentId")} and not isinstance(
        old, str
    ):
        return True
    return bool(old == new) or (old is None and new == 0)


def unexplained(report: ImportReport, source: Path, back: Path, tables: Sequence[str]) -> list[Any]:
    """Return the values that the export has not as the source had them, though no note of the row says so."""
    said: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for note in notes(report):
        said.setdefault((note["table"], note["id"]), []).append(note)
    found: list[Any] = []
    for table in tables:
        there = rows(back, table)
        for number, row in rows(source, table).items():
            about = said.get((table, number), [])
            if number not in there:
                found += [] if about else [(table, number, "is gone")]
                continue
            for column, value in row.items():
                is_noted = any(column in note["reason"] or column in (note["original"] or {}) for note in about)
                if not is_noted and not _same(table, column, value, there[number][column]):
                    found.append((table, number, column, value, there[number][column]))
    return found


@pytest.mark.parametrize("table", ["Image", "Folder", "Album", "Tag", "Query"])
def test_any_value_in_any_column_comes_back_or_is_noted(
    db: Database, config: Config, source: Source, tmp_path: Path, table: str
) -> None:
    for column, _ in schema.COLUMNS[table]:
        for number, value in enumerate(EVIL if column != "Id" else ()):
            given = {"Path": f"D:\\AI\\{column}{number}.png"} if table in {"Image", "Folder"} else {}
            if table in {"Album", "Tag", "Query"}:
                given = {"Name": f"{column}{number}"}
            source.add(table, **{**given, column: value})
    path = source.close()
    report = run_import(db, config, path)
    assert report.verification.is_good
    assert report.tables[table].read == len(rows(path, table))
    back = tmp_path / "back.db"
    export(db, back)
    assert unexplained(report, path, back, [table]) == []


def test_rows_that_are_made_one_are_noted_and_counted(db: Database, config: Config, source: Source) -> None:
    for _ in range(3):
        source.add("Image")
    for name in ("same", "same", None, None):
        source.add("Album", Name=name)
    source.add("Tag")
    for album in (1, 2, 1):
        source.add("AlbumImage", AlbumId=album, ImageId=1)
    for _ in range(2):
        source.add("ImageTag", ImageId=2, TagId=1)
    report = run_import(db, config, source.close())
    found = {(note["table"], note["id"], note["outcome"], note["reason"]) for note in notes(report)}
    assert found == {
        ("Album", 2, "repaired", "the same name as row 1, made one"),
        ("Album", 3, "repaired", "Name: is missing, written as (no name)"),
        ("Album", 4, "repaired", "Name: is missing, written as (no name)"),
        ("Album", 4, "repaired", "the same name as row 3, made one"),
        ("AlbumImage", 2, "repaired", "the same album and image as row 1, made one"),
        ("AlbumImage", 3, "repaired", "the same album and image as row 1, made one"),
        ("ImageTag", 2, "repaired", "the same image and tag as row 1, made one"),
    }
    assert fetch_one(db, "SELECT count(*) FROM album_image") == 1


def test_an_image_that_is_made_one_with_another_says_all_that_it_said(
    db: Database, config: Config, source: Source
) -> None:
    source.add("Image", Path="D:\\AI\\twin.png", Rating=3, CustomTags="first")
    source.add("Image", Path="D:\\AI\\twin.png", Rating=9, CustomTags="second", Prompt="an owl", Seed=77)
    report = run_import(db, config, source.close())
    (said,) = [note["original"] for note in notes(report) if note["outcome"] == "refused"]
    assert (said["Rating"], said["CustomTags"], said["Prompt"], said["Seed"]) == (9, "second", "an owl", 77)


def test_the_workflow_of_a_row_that_is_made_one_with_another_stays(
    db: Database, config: Config, source: Source
) -> None:
    workflow = '{"3": {"class_type": "KSampler", "inputs": {}}}'
    source.add("Image", Path="D:\\AI\\twin.png")
    source.add("Image", Path="D:\\AI\\twin.png", Workflow=workflow)
    run_import(db, config, source.close())
    with db.connection() as conn:
        ((*_, (chunk,)),) = raw_metadata.chunks(conn, [1])
    assert chunk.text == workflow
    assert fetch_one(db, "SELECT has_workflow FROM image")


def test_what_only_diffusion_toolkit_knows_comes_to_an_image_that_is_there(
    db: Database, config: Config, source: Source, tmp_path: Path
) -> None:
    source.add("Image", BatchSize=4, BatchPos=3, ClipSkip=2, ENSD=31337)
    with db.connection() as conn:
        conn.execute("INSERT INTO folder (path, name) VALUES ('D:\\AI', 'AI')")
        conn.execute(
            """INSERT INTO image (folder_id, file_name, file_size, mtime_ns, created_at)
               SELECT id, '00000.png', 1, 1, now() FROM folder"""
        )
    report = run_import(db, config, source.close())
    assert report.merged == 1
    export(db, tmp_path / "back.db")
    (row,) = rows(tmp_path / "back.db", "Image").values()
    assert [row[name] for name in ("BatchSize", "BatchPos", "ClipSkip", "ENSD")] == [4, 3, 2, 31337]


def test_paths_come_back_with_their_own_separators(
    db: Database, config: Config, source: Source, tmp_path: Path
) -> None:
    given = [
        "D:/AI/out/a.png", "D:/AI/out\\sub/b.png", "D:\\AI/other\\c.png", "D:\\d.png", "D:/e.png",
        "rel\\f.png", "rel/g.png",
        "\\\\nas\\share\\h.png", "/mnt/a\\b/i.png", "/mnt//twice//j.png",
        "D:\\AI\\\\k.png", "l.png", "/m.png", "D:n.png",
    ]  # fmt: skip
    for path in given:
        source.add("Image", Path=path)
    source.add("Folder", Path="D:/AI/out/")
    report = run_import(db, config, source.close())
    assert report.tables["Image"].refused == 0
    export(db, tmp_path / "back.db")
    assert [row["Path"][0].decode() for row in rows(tmp_path / "back.db", "Image").values()] == given
    assert rows(tmp_path / "back.db", "Folder")[2]["Path"] == [b"D:/AI/out/"]


def test_an_id_at_the_end_of_all_numbers_is_one_sentence(db: Database, config: Config, source: Source) -> None:
    source.add("Image")
    source.add("Image", Id=2**63 - 1)
    with pytest.raises(DtkError, match="do not fit behind those of the library"):
        run_import(db, config, source.close())
    assert fetch_one(db, "SELECT count(*) FROM image") == 0


def test_saved_queries_of_one_name_are_all_kept_and_not_twice(db: Database, config: Config, source: Source) -> None:
    for line in ("fox", "owl", "cat", "dog", "fox"):
        source.add("Query", Name="mine", QueryJson=json.dumps({"Query": line}))
    path = source.close()
    first = run_import(db, config, path)
    assert first.tables["Query"].refused == 0
    kept = "SELECT array_agg(query ORDER BY query) FROM saved_query"
    assert fetch_one(db, kept) == ["cat", "dog", "fox", "owl"]
    again = run_import(db, config, path)
    assert again.verification.is_good
    assert fetch_one(db, kept) == ["cat", "dog", "fox", "owl"]


def test_a_folder_whose_parent_is_another_than_its_path_says_is_noted(
    db: Database, config: Config, source: Source
) -> None:
    source.add("Folder", Path="D:\\AI\\one", ParentId=3)
    source.add("Folder", Path="D:\\AI\\one\\two", ParentId=2, Archived=7)
    report = run_import(db, config, source.close())
    found = [(note["id"], note["reason"]) for note in notes(report)]
    assert sorted(found) == [
        (2, "ParentId: is not the folder above it, placed by its path"),
        (3, "Archived: is neither 0 nor 1, written as true"),
    ]
    assert fetch_one(db, "SELECT count(*) FROM folder WHERE parent_id IS NULL") == 1


def test_a_workflow_that_the_database_refuses_is_there_as_it_was(
    db: Database, config: Config, source: Source, tmp_path: Path
) -> None:
    odd = [b'{"1": "nul\x00 sign\xf4\x8f\xbf\xbe bad\xff"}']
    source.add("Image", Workflow=odd)
    run_import(db, config, source.close())
    with db.connection() as conn:
        ((*_, (chunk,)),) = raw_metadata.chunks(conn, [1])
    assert chunk.text.encode("utf-8", "surrogateescape") == odd[0]
    export(db, tmp_path / "back.db")
    assert rows(tmp_path / "back.db", "Image")[1]["Workflow"] == odd


def test_what_nobody_here_knows_is_said(db: Database, config: Config, source: Source) -> None:
    source.add("Image")
    source.conn.execute("ALTER TABLE Image ADD COLUMN Mood varchar")
    source.conn.execute("ALTER TABLE Image ADD COLUMN Unused varchar")
    source.conn.execute("UPDATE Image SET Mood = 'calm'")
    source.conn.execute("CREATE TABLE Person (Name varchar)")
    source.conn.execute("INSERT INTO Person VALUES ('somebody')")
    source.conn.execute("CREATE TABLE Bare (Name varchar)")
    report = run_import(db, config, source.close())
    assert report.reasons == {
        ("Image", "refused", "Mood: a column that is not known here, left out"): 1,
        ("Person", "refused", "a table that is not known here, left out"): 1,
    }
    assert (report.tables["Image"].written, report.tables["Image"].refused) == (1, 0)


def test_names_that_no_index_takes_do_not_stop_the_rest(db: Database, config: Config, source: Source) -> None:
    # Random enough that no compression makes it short.
    long = "".join(chr(0x4E00 + at * 7919 % 20000) for at in range(4000))
    source.add("Image")
    source.add("Image", Path=f"D:\\AI\\{long}.png")
    for end in ("a", "b"):
        source.add("Album", Name=long + end)
        source.add("Tag", Name=long + end)
        source.add("Query", Name=long + end)
    source.add("AlbumImage", AlbumId=2, ImageId=1)
    report = run_import(db, config, source.close())
    assert report.verification.is_good
    assert {table: (count.written, count.refused) for table, count in report.tables.items() if count.read} == {
        "Folder": (1, 0), "Image": (1, 1), "Album": (2, 0), "AlbumImage": (1, 0), "Tag": (2, 0), "Query": (2, 0),
    }  # fmt: skip
    assert fetch_one(db, "SELECT count(*) FROM album WHERE name LIKE '一%'") == 2


def test_a_property_never_comes_to_a_node_of_another_migration(
    db: Database, config: Config, source: Source, tmp_path: Path
) -> None:
    source.add("Image")
    source.add("Node")
    source.add("NodeProperty")
    run_import(db, config, source.close())
    other = Source(tmp_path / "other.db")
    other.add("Folder", Path="E:\\AI")
    other.add("Image", Path="E:\\AI\\other.png")
    other.add("Node")
    for node in (0, -1, 2**63 - 1, -(2**63)):
        other.add("NodeProperty", NodeId=node)
    report = run_import(db, config, other.close())
    assert (report.tables["NodeProperty"].written, report.tables["NodeProperty"].refused) == (0, 4)
    assert fetch_one(db, "SELECT count(*) FROM node_property") == 1


def test_an_export_lets_rows_be_that_diffusion_toolkit_would_not_have_twice(
    db: Database, config: Config, source: Source, tmp_path: Path
) -> None:
    source.add("Image")
    source.add("Node")
    source.add("Node", Name="another")
    run_import(db, config, source.close())
    back = tmp_path / "back.db"
    assert export(db, back)["Node"] == 2
    conn = sqlite3.connect(back)
    names = {name for (name,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'index'")}
    conn.close()
    assert {"Node_ImageId_NodeId", "Image_Path", "Album_Name"} <= names


def test_a_text_of_a_hundred_megabytes_where_none_belongs_is_noted_by_its_begin(
    db: Database, config: Config, source: Source
) -> None:
    source.conn.execute("INSERT INTO Image (Path, Rating) VALUES ('D:\\AI\\a.png', zeroblob(150000000))")
    report = run_import(db, config, source.close())
    assert report.tables["Image"].written == 1
    assert any(note["reason"].startswith("Rating:") for note in notes(report))


@pytest.mark.parametrize(
    "columns", ["Path", "Id integer primary key, Path, Steps", "Path, Sampler, Prompt, Workflow", "Path, Id integer"]
)
def test_a_table_that_lacks_nearly_all_columns_is_read(
    db: Database, config: Config, tmp_path: Path, columns: str
) -> None:
    conn = sqlite3.connect(tmp_path / "old.db")
    conn.execute(f"CREATE TABLE Image ({columns})")
    conn.execute("INSERT INTO Image (Path) VALUES ('D:\\AI\\a.png'), (NULL), (x'443a5c622e706e67')")
    conn.commit()
    conn.close()
    report = run_import(db, config, tmp_path / "old.db")
    count = report.tables["Image"]
    assert (count.read, count.written, count.refused) == (3, 2, 1)
