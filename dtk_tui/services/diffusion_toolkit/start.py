"""Starting an import: with a new record, with that of the unfinished one that is resumed, or with one that is done."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from dtk_tui.domain.imports import POLICIES, ImportOptions
from dtk_tui.errors import DtkError, UsageError
from dtk_tui.services.diffusion_toolkit.read.arrow import TYPES
from dtk_tui.services.diffusion_toolkit.read.repair import note_json
from dtk_tui.services.diffusion_toolkit.source.database import Source
from dtk_tui.services.diffusion_toolkit.source.unknown import unknown_content
from dtk_tui.services.diffusion_toolkit.timezone import host_zone
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.diffusion_toolkit import dates, record_batches, records, staging, swap
from dtk_tui.store.diffusion_toolkit.records import ImportRecord

#: Facts of a record that say how the source was read, not what it holds. The names stand in databases.
_BATCH_SIZE, _DRY_RUN, _MAY_SWAP = "batch_size", "dry_run", "beside"


@dataclass(frozen=True, slots=True)
class StartedImport:
    """An import that may read: its record, and the options that hold for it, those of a resumed one included."""

    record: ImportRecord
    options: ImportOptions
    zone: str

    @property
    def may_swap(self) -> bool:
        """Whether the staged tables may take the place of the library's own, which were empty."""
        return bool(self.record.facts[_MAY_SWAP])


def start(db: Database, source: Source, options: ImportOptions) -> StartedImport:
    """Start an import, or resume the unfinished one of this source; see ``ImportOptions``.

    Raises:
        UsageError: an option is not known, or is another than that of the unfinished import.
        DtkError: there is nothing to resume, or the source is not the one that was read.
    """
    zone = options.zone or host_zone()
    with db.connection() as conn:
        if not dates.is_zone_known(conn, zone):
            raise UsageError(f"The time zone {zone} is not known.", "Name one like Europe/Berlin.")
        if options.resume:
            # Ended between its last transaction and its list of notes, an import is done but for that list.
            done = _find_done(conn, source)
            return StartedImport(done, options, zone) if done is not None else _resume(conn, source, options)
        if options.policy not in POLICIES:
            raise UsageError(f"The policy {options.policy} is not known.", "Choose keep, take or newest.")
        if options.dry_run and (waiting := records.unfinished(conn)) and not waiting.facts.get(_DRY_RUN):
            raise DtkError(
                f"A migration of {waiting.source} is unfinished; a dry run would throw away what it read.",
                "Finish it with --resume, or throw it away with --undo.",
            )
        return _start_new(conn, source, options, zone)


def _start_new(conn: Connection, source: Source, options: ImportOptions, zone: str) -> StartedImport:
    """Start an import with a new record and empty staging tables."""
    _create_tables(conn, source)
    images, nodes = source.id_span("Image"), source.id_span("Node")
    facts = {
        **source.facts, _BATCH_SIZE: options.batch_size, _DRY_RUN: options.dry_run, _MAY_SWAP: swap.is_possible(conn),
    }  # fmt: skip
    record = records.begin(conn, source.path, zone, options.policy, options.maps, facts, images, nodes)
    return StartedImport(record, options, zone)


def _create_tables(conn: Connection, source: Source) -> None:
    staging.create(conn)
    staging.write_notes(conn, _unknown_notes(source))


def _find_done(conn: Connection, source: Source) -> ImportRecord | None:
    """Return the record of the last import, where it is of this very source and nothing is unfinished."""
    record = records.last_done(conn) if records.unfinished(conn) is None else None
    if record is None or record.source != source.path:
        return None
    return record if _source_facts(record) == source.facts else None


def _resume(conn: Connection, source: Source, given: ImportOptions) -> StartedImport:
    record = records.unfinished(conn)
    if record is None or record.facts.get(_DRY_RUN) or not staging.exists(conn):
        raise DtkError("There is no unfinished migration.", "Start one without --resume.")
    if record.source != source.path:
        raise DtkError(f"The unfinished migration is of {record.source}.", "Name that file, or start without --resume.")
    if _source_facts(record) != source.facts:
        raise DtkError(
            "The source was changed since the migration began.",
            "Start again without --resume: what was read so far is thrown away, the library is unchanged.",
        )
    if (given.maps and given.maps != record.maps) or (given.zone and given.zone != record.zone):
        raise UsageError("The unfinished migration has another --map or --time-zone.", "Start without --resume.")
    started = StartedImport(
        record,
        replace(given, maps=record.maps, batch_size=int(record.facts[_BATCH_SIZE]), policy=record.policy),
        record.zone,
    )
    if not staging.has_current_columns(conn) or not staging.finished_chunks(conn):
        # An earlier release read it; or the server crashed: then what is unlogged is empty, and the rest not whole.
        _create_tables(conn, source)
        record_batches.delete(conn, record.id)
    return started


def _source_facts(record: ImportRecord) -> dict[str, Any]:
    """Return the facts that tell the source's content, without how it was read."""
    return {name: value for name, value in record.facts.items() if name not in (_BATCH_SIZE, _DRY_RUN, _MAY_SWAP)}


def _unknown_notes(source: Source) -> list[tuple[Any, ...]]:
    """Return notes of what the source has and nothing here knows: of a later release, or somebody's own."""
    with closing(source.connect()) as conn:
        found = unknown_content(conn, {table: ("Id", *columns) for table, columns in TYPES.items()})
    return [(table, None, "refused", reason, note_json(numbers)) for table, reason, numbers in found]
