"""Images as CSV lines for the staging tables: rows as SQLite wrote them where they are clean, repaired ones else."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import md5
from json.encoder import encode_basestring
from typing import Any

from dtk_tui.services.diffusion_toolkit import paths
from dtk_tui.services.diffusion_toolkit.read import csv_select, ranges, repair
from dtk_tui.services.diffusion_toolkit.read.csv import field as csv_field
from dtk_tui.services.diffusion_toolkit.read.csv import is_plain, line
from dtk_tui.services.diffusion_toolkit.read.other_tables import DAMAGED
from dtk_tui.services.diffusion_toolkit.read.string_pool import StringPool
from dtk_tui.store.text_codec import to_db

_SOURCE = b"diffusion-toolkit"
_CONTROLS = bytes(range(32))


def _md5_hex(text: bytes) -> bytes:
    return md5(text, usedforsecurity=False).hexdigest().encode()


def chunks_json(workflow: bytes, may_have_controls: bool = True) -> tuple[bytes, bytes, bytes]:
    """Return a workflow, in the form in which it is stored, as ``image_raw.chunks`` holds it, in pieces: JSON as SQLite
    writes it, so that clean rows and repaired ones give the same.

    Args:
        may_have_controls: false where it is known that no character is below U+0020.
    """
    key = b"workflow" if b'"nodes"' in workflow and b'"links"' in workflow else b"prompt"
    if may_have_controls and len(workflow.translate(None, _CONTROLS)) < len(workflow):
        quoted = encode_basestring(workflow.decode()).encode()[1:-1]
    else:
        quoted = workflow.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return b'[["%b","%b","' % (_SOURCE, key), quoted, b'"]]'


@dataclass(slots=True)
class Lines:
    """The CSV lines of one batch of images, by staging table."""

    image: list[bytes] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    note: list[bytes] = field(default_factory=list)

    def by_table(self) -> dict[str, list[bytes]]:
        """Return the lines by the name of their table."""
        return {"image": self.image, "raw": self.raw, "note": self.note}


class ImageCsv:
    """Writes batches of source rows as CSV lines; one a thread."""

    def __init__(self, columns: tuple[str, ...], pool: StringPool) -> None:
        self._columns = columns
        self._pool = pool
        self._lines = Lines()

    def write_clean(self, rows: Sequence[ranges.Row]) -> list[int]:
        """Write the clean ones of some rows, as ``csv_select.select`` gives them; return the rowids of the rest."""
        self._lines = Lines()
        return self._write_clean(rows)

    def write_rest(self, conn: sqlite3.Connection, unclean: Sequence[int], damaged: Sequence[int]) -> Lines:
        """Repair rows one by one, recover damaged ones from the indexes; return the lines of the whole batch."""
        failed = list(damaged)
        for number in unclean:
            row = repair.read_row(conn, self._columns, number)
            if row is None:
                # A damaged tree: a scan comes by a row that a look-up does not find.
                failed.append(number)
            else:
                self._write_repaired(repair.repair_row(row))
        if failed:
            self._recover(conn, failed, set(failed) - set(damaged))
        return self._lines

    def _write_clean(self, rows: Sequence[ranges.Row]) -> list[int]:
        """Write the clean rows; return the rowids of the rest."""
        probe = b"".join([part for row in rows if not row[1] for part in (row[2], row[7], row[5] or b"")])
        all_plain = is_plain(probe)
        unclean: list[int] = []
        image, raw, pool = self._lines.image.append, self._lines.raw, self._pool
        for number, needs_repair, path, prompt, negative, chunks, numbers, texts in rows:
            if needs_repair or (not all_plain and not is_plain(path + texts + (chunks or b""))):
                unclean.append(number)
                continue
            at = path.rfind(b"/")
            if path[:1] != b"/":
                at = max(at, path.rfind(b"\\"))
            name = path[at + 1 :]
            positive = pool.texts.get(prompt) or pool.key_of_text(prompt)
            second = pool.texts.get(negative) or pool.key_of_text(negative)
            if not name or len(name) > paths.LONGEST_NAME or positive is None or second is None:
                unclean.append(number)
                continue
            start = path[: at + 1]
            folder_key, folder = pool.folders.get(start) or pool.key_of_folder(start)
            has_workflow = b"f"
            parts = b"%b\x1f%b\x1f%b\x1f%b\x1f%b\x1f" % (texts, folder, name, positive[1], second[1])
            if chunks is not None:
                has_workflow = b"t"
                parts += _md5_hex(chunks)
                raw.append(b"%d,'%b'" % (number, chunks.replace(b"'", b"''")))
            if b"'" in name:
                name = name.replace(b"'", b"''")
            digest = md5(parts, usedforsecurity=False).hexdigest().encode()
            image(
                b"%b,%b,%b,'%b',%b,%b,%b,%b,,"
                % (numbers, texts, folder_key, name, positive[0], second[0], has_workflow, digest)
            )
        return unclean

    # -- repaired ---------------------------------------------------------------------------------------------------

    def _write_repaired(self, row: repair.RepairedRow) -> None:
        values = row.values
        path = values["Path"]
        name = paths.split(path or "")[1]
        is_long = len(to_db(name).encode()) > paths.LONGEST_NAME
        if not path or not name or is_long:
            reason = "has no path" if not path else "its path names no file"
            if is_long:
                reason = f"its file name has {len(name)} characters, which no file can have"
            self._note(values["Id"], "refused", reason, {"Path": path, "FolderId": values["FolderId"]})
            return
        for reason, original in row.notes:
            self._note(values["Id"], "repaired", reason, original)
        start = path[: len(path) - len(name)].encode("utf-8", "surrogateescape")
        folder_key, _ = self._pool.key_of_folder(start)
        workflow = values["Workflow"]
        plain = line(_plain_value(values[column]) for column in csv_select.PLAIN)
        rest = (self._key(values["Prompt"]), self._key(values["NegativePrompt"]))
        end = (csv_field(workflow is not None), b"", csv_field(row.dialect), csv_field(row.scheduler))
        self._lines.image.append(b",".join((plain, folder_key, csv_field(name), *rest, *end)))
        if workflow is not None:
            # Its texts are escaped each for itself, as a scan does; the whole is not escaped once more.
            chunks = b"".join(chunks_json(to_db(workflow).encode())).replace(b"'", b"''")
            self._lines.raw.append(b"%d,'%b'" % (values["Id"], chunks))

    def _key(self, text: str | None) -> bytes:
        return b"" if text is None else self._pool.key_of_stored(to_db(text))

    def _note(self, number: int, outcome: str, reason: str, original: dict[str, Any]) -> None:
        self._lines.note.append(line(("Image", number, outcome, reason, repair.note_json(original))))

    def _recover(self, conn: sqlite3.Connection, failed: Sequence[int], known: set[int]) -> None:
        """Write what the indexes still know of rows whose page is damaged; ``known`` ones are there for sure."""
        lost = set(ranges.lost_rowids(conn, "Image", failed)[0]) | known
        for number, values in ranges.recover_from_indexes(conn, "Image", sorted(lost)).items():
            texts = {k: repair.decode(v) if isinstance(v, bytes) else v for k, v in values.items()}
            if not texts.get("Path"):
                self._note(number, "refused", DAMAGED, {})
                continue
            row = repair.repair_row({**texts, "Id": number})
            missing = sorted(set(self._columns) & set(csv_select.ALL) - set(texts) - {"Id"})
            row.notes.append((f"{DAMAGED}: recovered from the indexes, without {', '.join(missing)}", {}))
            self._write_repaired(row)


def _plain_value(value: Any) -> Any:
    if isinstance(value, float):
        return repr(value)
    return value
