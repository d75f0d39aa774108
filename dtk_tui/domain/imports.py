"""An import from Diffusion Toolkit: its options, progress and report, and the summary of a source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

#: What is done where the library and the source both have a person's mark on the same image.
POLICIES = ("keep", "take", "newest")


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """The options of an import.

    Attributes:
        source: path of the SQLite file.
        maps: (from, to) prefixes of paths; the longest match wins.
        zone: time zone of the machine that scanned (an IANA name); None is the zone of this host.
        batch_size: rows between two checkpoints.
        policy: one of ``POLICIES``, for images that the library has already.
        resume: go on with the unfinished import of this source.
        dry_run: read and check everything, write nothing.
    """

    source: str
    maps: tuple[tuple[str, str], ...] = ()
    zone: str | None = None
    batch_size: int = 1000
    policy: str = "keep"
    resume: bool = False
    dry_run: bool = False


#: What an import does, in this order; only the last is seen in the library.
STEPS = ("reading", "indexing", "comparing and writing")


@dataclass(frozen=True, slots=True)
class ImportProgressed:
    """The progress of an import: ``step`` is what is done now, ``table`` is being read; rate in rows a second.

    ``tables``: (name, rows read, rows expected) of every table, in the order of reading.
    """

    step: str
    table: str = ""
    done: int = 0
    total: int = 0
    rate: float = 0.0
    eta_s: float | None = None
    tables: tuple[tuple[str, int, int], ...] = ()


ProgressCallback = Callable[[ImportProgressed], None]


@dataclass(frozen=True, slots=True)
class Prefix:
    """A path prefix of the machine that scanned, with the number of images below it.

    ``target`` is where it lies here when it is mapped, else None; ``is_here`` says whether that folder exists.
    """

    path: str
    images: int
    target: str | None
    is_here: bool


@dataclass(frozen=True, slots=True)
class SourceSummary:
    """The summary of a source before its import; ``size`` in bytes."""

    path: str
    size: int
    images: int
    albums: int
    prefixes: tuple[Prefix, ...]


@dataclass(slots=True)
class TableCount:
    """The figures of one source table: ``read`` = ``written`` + ``refused``; repaired ones are written."""

    read: int = 0
    written: int = 0
    repaired: int = 0
    refused: int = 0
    lost: int = 0


@dataclass(slots=True)
class Verification:
    """The result of comparing library and source: images compared, source ids of those that differ, rows by table.

    ``counts`` by table: (expected, found).
    """

    compared: int = 0
    differing: list[int] = field(default_factory=list)
    counts: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        """Whether everything that was compared is equal."""
        return not self.differing and all(want == have for want, have in self.counts.values())


@dataclass(slots=True)
class ImportReport:
    """The report of an import.

    Attributes:
        tables: by source table.
        reasons: (table, outcome, reason) -> rows.
        notes_file: where each repaired and refused row stands with its reason; None when there is none.
        merged: images that the library had already.
    """

    tables: dict[str, TableCount] = field(default_factory=dict)
    reasons: dict[tuple[str, str, str], int] = field(default_factory=dict)
    verification: Verification = field(default_factory=Verification)
    migration_id: int | None = None
    merged: int = 0
    representatives: int = 0
    seconds: float = 0.0
    steps: dict[str, float] = field(default_factory=dict)
    notes_file: str | None = None
    dry_run: bool = False
    zone: str = ""
