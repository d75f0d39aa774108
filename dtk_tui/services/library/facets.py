"""Counting the facets of a result, beside what shows it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from dtk_tui.config import Config
from dtk_tui.domain.facets import FACETS, Facet, FacetCounts, FacetValue, narrowed, term
from dtk_tui.domain.query.parser import parse
from dtk_tui.errors import DtkError
from dtk_tui.services.background import cancel_when_set
from dtk_tui.services.library import search as searching
from dtk_tui.store.database import Connection, Database, limit_time
from dtk_tui.store.search import facets as store
from dtk_tui.store.search.conditions import Where
from dtk_tui.store.search.search import condition_of

#: So many values of a facet are shown.
MOST_VALUES = 20


class CountStoppedError(DtkError):
    """Nobody wants the counts any more."""

    def __init__(self) -> None:
        super().__init__("Counting was stopped.")


class FacetCounter:
    """Counts the facets of the images that a query line finds, exactly.

    Of more than ``store.MOST_TAGGED`` images that a query chose, tags are counted of the newest ones; those counts are
    lower bounds and say so. Where vectors rank, the images that they found are counted.

    Args:
        line: the query; empty is the whole library.

    Raises:
        UsageError, DtkError: as ``services.library.search.find``.
    """

    def __init__(self, db: Database, config: Config, line: str) -> None:
        self.line = line
        self._db = db
        self._config = config
        self._query = parse(line)
        self._found: Where | None = None
        self._images = 0
        self._stop = threading.Event()

    def stop(self) -> None:
        """End soon, by ``CountStoppedError``; from any thread, and at once."""
        self._stop.set()

    def count(self) -> FacetCounts:
        """Return all facets, in the order of ``FACETS``."""
        fields = self.fields()
        by_name = {facet.name: facet for facet in (*fields.facets, self.tags())}
        return FacetCounts(fields.images, [by_name[name] for name in FACETS])

    def fields(self) -> FacetCounts:
        """Return all facets but for tags."""
        with self._counting() as conn:
            self._images, found = store.fields(conn, self._where(conn), MOST_VALUES)
        facets = [self._facet(name, found.get(name, store.Counted((), 0))) for name in FACETS if name != "tag"]
        return FacetCounts(self._images, facets)

    def tags(self) -> Facet:
        """Return the facet of tags; after ``fields``."""
        with self._counting() as conn:
            where = self._where(conn)
            is_exact = where.condition == "true" or self._images <= store.MOST_TAGGED
            counted = store.tags(conn, where, MOST_VALUES, None if is_exact else store.MOST_TAGGED)
        return self._facet("tag", counted, is_exact=is_exact)

    def _facet(self, name: str, counted: store.Counted, *, is_exact: bool = True) -> Facet:
        narrow = partial(narrowed, self.line)
        values = [FacetValue(value, number, narrow(term(name, value))) for value, number in counted.values]
        return Facet(name, values, counted.total - len(values), is_exact)

    def _where(self, conn: Connection) -> Where:
        return self._found if self._found is not None else condition_of(conn, self._query)

    @contextmanager
    def _counting(self) -> Iterator[Connection]:
        """Give a connection whose statements end when nobody wants their answer, or when they take too long."""
        self._query = searching.prepare(self._db, self._config, self.line)
        if self._found is None and (self._query.about or self._query.like or self._query.looks):
            found = searching.find(self._db, self._config, self.line)
            self._found = store.of_images(found.ids)
        try:
            with self._db.connection() as conn, cancel_when_set(conn, self._stop):
                limit_time(conn, self._config.settings.search.timeout_s)
                yield conn
        except DtkError as error:
            if self._stop.is_set():
                raise CountStoppedError from error
            raise
        if self._stop.is_set():
            raise CountStoppedError
