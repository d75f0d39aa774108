"""The tables and indexes of Diffusion Toolkit v1.10, as sqlite-net makes them."""

from __future__ import annotations

from dataclasses import dataclass

_KEY = "integer primary key autoincrement not null"

_IMAGE = """
Id:key RootFolderId:integer FolderId:integer Path:varchar FileName:varchar Prompt:varchar NegativePrompt:varchar
Steps:integer Sampler:varchar CFGScale:float Seed:integer Width:integer Height:integer ModelHash:varchar Model:varchar
BatchSize:integer BatchPos:integer CreatedDate:bigint ModifiedDate:bigint CustomTags:varchar Rating:integer
Favorite:integer ForDeletion:integer NSFW:integer Unavailable:integer AestheticScore:float HyperNetwork:varchar
HyperNetworkStrength:float ClipSkip:integer ENSD:integer FileSize:integer NoMetadata:integer Workflow:varchar
WorkflowId:varchar HasError:integer Hash:varchar ViewedDate:bigint TouchedDate:bigint Type:integer"""
_FOLDER = """
Id:key ParentId:integer Path:varchar ImageCount:integer ScannedDate:bigint Unavailable:integer Archived:integer
Excluded:integer IsRoot:integer Recursive:integer Watched:integer"""


def _columns(text: str) -> tuple[tuple[str, str], ...]:
    pairs = (word.split(":") for word in text.split())
    return tuple((name, kind) for name, kind in pairs)


#: (name, type) of the columns by table, in the order in which the tables are written.
COLUMNS: dict[str, tuple[tuple[str, str], ...]] = {
    "Folder": _columns(_FOLDER),
    "Image": _columns(_IMAGE),
    "Album": _columns("Id:key Name:varchar Order:integer LastUpdated:bigint"),
    "AlbumImage": _columns("AlbumId:integer ImageId:integer"),
    "Tag": _columns("Id:key Name:varchar"),
    "ImageTag": _columns("ImageId:integer TagId:integer"),
    "Query": _columns("Id:key Name:varchar QueryJson:varchar CreatedDate:bigint ModifiedDate:bigint"),
    "Node": _columns("Id:key ImageId:integer NodeId:varchar Name:varchar"),
    "NodeProperty": _columns("NodeId:integer Name:varchar Value:varchar"),
}
IMAGE_NAMES = tuple(name for name, _ in COLUMNS["Image"])

_ALBUM_IMAGE = """CREATE TABLE "AlbumImage" ("AlbumId" integer, "ImageId" integer,
    CONSTRAINT "FK_AlbumImage_AlbumId" FOREIGN KEY("AlbumId") REFERENCES Album("Id"),
    CONSTRAINT "FK_AlbumImage_ImageId" FOREIGN KEY("ImageId") REFERENCES Image("Id"))"""


def _table(name: str) -> str:
    if name == "AlbumImage":
        return _ALBUM_IMAGE
    columns = ", ".join(f'"{column}" {_KEY if kind == "key" else kind}' for column, kind in COLUMNS[name])
    return f'CREATE TABLE "{name}" ({columns})'


TABLES = (*map(_table, COLUMNS), f'CREATE TABLE "Migration" ("Id" {_KEY}, "Name" varchar)')

#: The schema changes that Diffusion Toolkit need not make any more.
MIGRATIONS = (
    "RupertAvery20231224_0001_CleanupOrphanedAlbumImageEntries",
    "RupertAvery20231224_0002_AlbumImageForeignKeys",
    "RupertAvery20240102_0001_LoadFileNamesFromPaths",
    "RupertAvery20240203_0001_UniquePaths",
    "RupertAvery20240818_0001_SetUnavailable",
    "RupertAvery20250321_0001_EnableWAL",
    "RupertAvery20250405_0001_FixFolders",
    "RupertAvery20250424_0001_MigrateWatchedRecursive",
    "RupertAvery20260103_0001_SetImageType",
)

_SINGLE = {
    "Image": """FolderId ModelHash Model Seed Sampler Height Width CFGScale Steps AestheticScore Favorite Rating
        ForDeletion NSFW CreatedDate HyperNetwork HyperNetworkStrength FileSize FileName ModifiedDate Unavailable
        Workflow WorkflowId Prompt NegativePrompt HasError RootFolderId Hash ViewedDate TouchedDate Type""",
    "Folder": "ParentId Archived Unavailable Excluded",
    "Album": "LastUpdated",
    "AlbumImage": "AlbumId ImageId",
    "Node": "ImageId Name",
    "NodeProperty": "NodeId Name Value",
    "Tag": "Id Name",
}
_SEVERAL = (
    ("Image", "HasError CreatedDate"), ("Image", "ForDeletion CreatedDate"), ("Image", "NSFW CreatedDate"),
    ("Image", "Unavailable CreatedDate"), ("Image", "ForDeletion Unavailable CreatedDate"),
    ("Image", "NSFW ForDeletion Unavailable CreatedDate"), ("NodeProperty", "Name Value"),
)  # fmt: skip
_UNIQUE = (
    ("Image", "Path", "Image_Path"), ("Folder", "Path", "Folder_Path"), ("Album", "Name", "Album_Name"),
    ("AlbumImage", "AlbumId ImageId", "IDX_AlbumImage"), ("Node", "ImageId NodeId", "Node_ImageId_NodeId"),
    ("Query", "Name", "Query_Name"), ("ImageTag", "ImageId TagId", "ImageTag_ImageId_TagId"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Index:
    """An index of Diffusion Toolkit."""

    table: str
    columns: tuple[str, ...]
    name: str
    is_unique: bool = False

    def statement(self, is_unique: bool) -> str:
        """Return the statement that makes it."""
        columns = ", ".join(f'"{column}"' for column in self.columns)
        return f'CREATE {"UNIQUE " if is_unique else ""}INDEX "{self.name}" ON "{self.table}" ({columns})'

    def alike(self) -> str:
        """Return a SELECT that finds a row when rows are alike in the columns."""
        columns = ", ".join(f'"{column}"' for column in self.columns)
        known = " AND ".join(f'"{column}" IS NOT NULL' for column in self.columns)
        return f'SELECT 1 FROM "{self.table}" WHERE {known} GROUP BY {columns} HAVING count(*) > 1 LIMIT 1'  # noqa: S608


def indexes() -> list[Index]:
    """Return the indexes."""
    made = [
        Index(table, (column,), f"{table}_{column}") for table, names in _SINGLE.items() for column in names.split()
    ]
    made += [Index(table, tuple(names.split()), "_".join([table, *names.split()])) for table, names in _SEVERAL]
    return made + [Index(table, tuple(names.split()), name, is_unique=True) for table, names, name in _UNIQUE]
