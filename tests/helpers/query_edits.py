"""The kinds of edits by which people organise a library, as one that is done and what it is about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dtk_tui.domain.organise import EditDone, Mark, MarkEdit
from dtk_tui.services.library.organise import albums, marks, tags
from dtk_tui.services.library.organise.albums import ALBUMS
from dtk_tui.services.library.organise.tags import TAGS
from dtk_tui.store.database import Database

#: The ids of all images -> those that an edit is about.
Ids = list[int]


@dataclass(frozen=True)
class Edit:
    """An edit: ``act`` does it, ``tokens`` ask for what it changes, ``sort`` is the column that it changes.

    ``needs`` are done before it, and undone behind it.
    """

    act: Callable[[Database, Ids], EditDone]
    tokens: tuple[str, ...]
    sort: str = "date"
    needs: tuple[Callable[[Database, Ids], EditDone], ...] = ()


def _mark(mark: Mark, value: int | None, step: int) -> Callable[[Database, Ids], EditDone]:
    return lambda db, ids: marks.apply(db, ids[::step], MarkEdit(mark, value))


def _given(db: Database, ids: Ids) -> EditDone:
    return TAGS.add(db, ids[::3], ["Sky", "azure"])


def _given_too(db: Database, ids: Ids) -> EditDone:
    return TAGS.add(db, ids[::4], ["teal"])


def _album(db: Database, ids: Ids) -> EditDone:
    return albums.create(db, "mine", ids[::3])


def _smart(db: Database, ids: Ids) -> EditDone:
    return albums.create(db, "mine", (), "rating:>=3 -tag:sky, castle OR has:caption")


EDITS: dict[str, Edit] = {
    "a rating": Edit(_mark(Mark.RATING, 4, 2), ("rating",), "rating"),
    "a rating beyond nine": Edit(_mark(Mark.RATING, 10, 3), ("rating",), "rating"),
    "a rating taken": Edit(_mark(Mark.RATING, None, 2), ("rating",), "rating"),
    "favourite": Edit(_mark(Mark.FAVORITE, 1, 2), ("favorite",)),
    "not favourite": Edit(_mark(Mark.FAVORITE, 0, 1), ("favorite",)),
    "NSFW": Edit(_mark(Mark.NSFW, 1, 3), ("nsfw",)),
    "not NSFW": Edit(_mark(Mark.NSFW, 0, 1), ("nsfw",)),
    "for deletion": Edit(_mark(Mark.FOR_DELETION, 1, 2), ("delete",)),
    "tags": Edit(_given, ("tag", "has")),
    "a tag taken": Edit(lambda db, ids: TAGS.remove(db, ids[::2], "sky"), ("tag", "has"), needs=(_given,)),
    "a tag taken everywhere": Edit(lambda db, ids: TAGS.remove(db, None, "AZURE"), ("tag",), needs=(_given,)),
    "a tag renamed": Edit(lambda db, ids: tags.rename(db, ["azure"], "blue_hair"), ("tag",), needs=(_given,)),
    "tags merged": Edit(
        lambda db, ids: tags.rename(db, ["azure", "teal"], "Teal Sky"), ("tag", "has"), needs=(_given, _given_too)
    ),
    "an album": Edit(_album, ("album", "in_album")),
    "an album of none": Edit(lambda db, ids: albums.create(db, "mine"), ("album", "in_album")),
    "into an album": Edit(lambda db, ids: ALBUMS.add(db, ids[::2], ["best"]), ("album", "in_album")),
    "out of an album": Edit(lambda db, ids: ALBUMS.remove(db, ids, "So So"), ("album", "in_album")),
    "an album renamed": Edit(lambda db, ids: albums.rename(db, "best", "mine"), ("album", "in_album")),
    "an album moved": Edit(lambda db, ids: albums.move(db, "empty", 1), ("album",)),
    "an album deleted": Edit(lambda db, ids: albums.delete(db, "50% off"), ("album", "in_album")),
    "a smart album": Edit(_smart, ("album", "in_album")),
    "a rating in a smart album": Edit(_mark(Mark.RATING, 5, 2), ("album", "rating"), "rating", (_smart,)),
    "a smart album renamed": Edit(lambda db, ids: albums.rename(db, "mine", "yours"), ("album",), needs=(_smart,)),
    "a smart album deleted": Edit(lambda db, ids: albums.delete(db, "mine"), ("album",), needs=(_smart,)),
}
