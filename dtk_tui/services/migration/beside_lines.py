"""Rows of images that go straight beside an empty library; those that need a note or a closer look are staged."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field

from dtk_tui.services.migration import reading
from dtk_tui.services.migration.csvline import is_plain
from dtk_tui.services.migration.image_lines import ImageLines, Lines
from dtk_tui.services.migration.known import Known
from dtk_tui.services.migration.paths import LONGEST_NAME
from dtk_tui.store.migration_beside import raw_row

_STAGED = 1


@dataclass(slots=True)
class Rows:
    """Rows of some images, in the order of their ids, as ``store.migration_beside.write`` takes them."""

    image: list[bytes] = field(default_factory=list)
    book: list[bytes] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)

    def by_table(self) -> dict[str, Sequence[bytes]]:
        """Return the rows by table."""
        return {"image": self.image, "migrated_image": self.book, "image_raw": self.raw}

    def add(self, others: Rows) -> None:
        """Append other rows."""
        self.image += others.image
        self.book += others.book
        self.raw += others.raw


class BesideLines:
    """Turns batches of source rows into rows and lines; one a thread.

    Args:
        staged_select: the SELECT for rows that are staged (``images_sql.select``).
        base: image.id is Id and this.
    """

    def __init__(self, columns: tuple[str, ...], known: Known, staged_select: str, base: int) -> None:
        self._known = known
        self._staged = ImageLines(columns, known)
        self._staged_select = staged_select
        self._base = base

    def build(self, conn: sqlite3.Connection, found: reading.Range) -> tuple[Rows, Lines]:
        """Return what one batch of rows writes, as ``beside_sql.select`` gives them."""
        rows, staged, odd = self.straight(found.rows)
        clean: list[reading.Row] = []
        if staged and found.failed:
            odd += staged
        elif staged:
            wanted = set(staged)
            several = conn.execute(self._staged_select, (staged[0], staged[-1]))
            clean = [row for row in several if row[0] in wanted]
        odd += self._staged.begin_with(clean)
        return rows, self._staged.end_with(conn, sorted(odd), found.failed)

    def straight(self, found: Sequence[reading.Row]) -> tuple[Rows, list[int], list[int]]:
        """Return the rows that go straight, and the Ids of those that are staged and of odd ones."""
        rows = Rows()
        staged: list[int] = []
        odd: list[int] = []
        probe = b"".join([part for row in found if not row[1] for part in (row[2], row[5] or b"", row[6], row[7])])
        all_plain = is_plain(probe)
        known, base = self._known, self._base
        image, book = rows.image.append, rows.book.append
        texts, folders = known.texts, known.folders
        for number, way, path, prompt, negative, chunks, line, book_line in found:
            if way:
                (staged if way == _STAGED else odd).append(number)
                continue
            if not all_plain and not is_plain(path + line + book_line + (chunks or b"")):
                odd.append(number)
                continue
            at = path.rfind(b"/")
            if path[:1] != b"/":
                at = max(at, path.rfind(b"\\"))
            name = path[at + 1 :]
            positive = texts.get(prompt) or known.text(prompt)
            second = texts.get(negative) or known.text(negative)
            if not name or len(name) > LONGEST_NAME or positive is None or second is None:
                odd.append(number)
                continue
            start = path[: at + 1]
            folder = folders.get(start) or known.folder(start)
            if b"'" in name:
                name = name.replace(b"'", b"''")
            image(b"%b,%b,%b,%b,'%b'" % (line, folder[0], positive[0], second[0], name))
            book(book_line)
            if chunks is not None:
                rows.raw.append(raw_row(number + base, chunks))
        return rows, staged, odd
