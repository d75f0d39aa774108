"""Edits of the captions of many images: what they would change, and doing it in one transaction."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from dtk_tui.domain.caption_edit import BatchResult, CaptionEdit, Example, TooLongError, edited, fault, needs
from dtk_tui.domain.captions import MAX_LENGTH
from dtk_tui.errors import DtkError, UsageError
from dtk_tui.services.background import calling_when_set
from dtk_tui.services.captions.regex_process import RegexProcess, RegexTimeoutError, RegexTooLongError
from dtk_tui.services.library.edits import EditStoppedError, Progress, edit_transaction
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.library import caption_batch as store
from dtk_tui.store.library import images
from dtk_tui.store.library.caption_batch import CaptionBatch, CurrentText, CurrentTexts, NewText
from dtk_tui.text import one_line

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Ids = npt.NDArray[np.int64]

_EXAMPLES = 5
#: So many captions, or bytes of them, are read and written at a time, and the first time, to show something soon.
_SOME, _SOME_BYTES, _FIRST = 5000, 16_000_000, 200
#: So many texts, or characters, are given to a regular expression at a time.
_FEW_TEXTS, _FEW_CHARACTERS = 200, 1_000_000


def preview(
    db: Database,
    image_ids: Ids | Sequence[int],
    edit: CaptionEdit,
    kind: str | None = None,
    tell: Callable[[BatchResult], None] = lambda result: None,
    stop: threading.Event | None = None,
) -> BatchResult:
    """Return what ``apply`` would change, with the first changes, and change nothing; raises as ``apply``.

    Args:
        tell: is given what was found so far, again and again.
    """
    changed, blank, examples = 0, 0, list[Example]()
    with edit_transaction(db, stop) as conn:
        there = store.listed(conn, image_ids, kind, lock=False)
        removes = edit.operation == "remove"
        for some in _edits(conn, there, edit, stop, first=_FIRST):
            done, without_words = _sorted_out(edit, some)
            changed, blank = changed + len(done), blank + without_words
            for old, new in done[: _EXAMPLES - len(examples)]:
                examples.append(Example(old.image_id, old.text, None if removes else new))
            if removes and len(examples) == _EXAMPLES:
                changed = len(there.caption_ids)
                break
            tell(BatchResult(changed, blank, tuple(examples)))
    return BatchResult(changed, blank, tuple(examples))


def apply(
    db: Database,
    image_ids: Ids | Sequence[int],
    edit: CaptionEdit,
    kind: str | None = None,
    progress: Progress = lambda done, total: None,
    stop: threading.Event | None = None,
) -> BatchResult:
    """Edit the current captions of images, all or none of them; one edit in the journal.

    Args:
        kind: only captions of this type; None: of all.
        progress: is told how many captions are done.
        stop: ends it when it is set; nothing is changed then.

    Raises:
        UsageError: the edit is not understood.
        DtkError: a regular expression takes too long on a caption, or a text would be too long; names the image.
        EditStoppedError: ``stop`` was set.
    """
    _check(edit)
    changed, blank = 0, 0
    with edit_transaction(db, stop) as conn:
        there = store.listed(conn, image_ids, kind, lock=True)
        batch = CaptionBatch(conn, one_line(edit.title(), 200))
        total, seen = len(there.caption_ids), 0
        progress(0, total)
        if edit.operation == "remove":
            for start in range(0, total, _SOME):
                some_images, some = (ids[start : start + _SOME] for ids in (there.image_ids, there.caption_ids))
                batch.remove(some_images.tolist(), some.tolist())
                changed += len(some)
                progress(changed, total)
        else:
            for edits in _edits(conn, there, edit, stop):
                done, without_words = _sorted_out(edit, edits)
                batch.write([NewText(old.caption_id, old.image_id, old.source, old.type, new) for old, new in done])
                changed, blank, seen = changed + len(done), blank + without_words, seen + len(edits)
                progress(seen, total)
        return BatchResult(changed, blank, journal=batch.finish())


def _sorted_out(edit: CaptionEdit, some: list[tuple[CurrentText, str]]) -> tuple[list[tuple[CurrentText, str]], int]:
    """Return what really changes, and how many captions would be left without a word."""
    if edit.operation == "remove":
        return some, 0
    changed = [(old, new) for old, new in some if new != old.text]
    kept = [(old, new) for old, new in changed if new.strip()]
    return kept, len(changed) - len(kept)


def _check(edit: CaptionEdit) -> None:
    if told := fault(edit):
        raise UsageError(told)


def _edits(
    conn: Connection, there: CurrentTexts, edit: CaptionEdit, stop: threading.Event | None, first: int | None = None
) -> Iterator[list[tuple[CurrentText, str]]]:
    """Yield captions with their texts after the edit, at most ``first`` of them to begin with."""
    _check(edit)
    stop = stop or threading.Event()
    facts = needs(edit)
    with ExitStack() as stack:
        process = None
        if edit.operation == "regex":
            process = stack.enter_context(RegexProcess(edit.text, edit.new))
            stack.enter_context(calling_when_set(stop, process.kill))
        for portion in _portions(there, first):
            if stop.is_set():
                raise EditStoppedError
            captions = store.read(conn, portion, facts)
            if edit.operation == "remove":
                yield [(old, "") for old in captions]
            elif process is None:
                yield [(old, _edited(conn, edit, old)) for old in captions]
            else:
                yield [pair for few in _in_portions(captions) for pair in _replaced(conn, process, few)]


def _portions(there: CurrentTexts, first: int | None) -> Iterator[list[int]]:
    """Yield the ids of captions, as many at a time as are read at once."""
    start, most = 0, first or _SOME
    ends = there.sizes.cumsum()
    while start < len(ends):
        before = int(ends[start - 1]) if start else 0
        fitting = int(ends.searchsorted(before + _SOME_BYTES, side="right"))
        end = max(start + 1, min(start + most, fitting))
        yield there.caption_ids[start:end].tolist()
        start, most = end, _SOME


def _in_portions(captions: list[CurrentText]) -> Iterator[list[CurrentText]]:
    few: list[CurrentText] = []
    size = 0
    for caption in captions:
        if few and (len(few) == _FEW_TEXTS or size + len(caption.text) > _FEW_CHARACTERS):
            yield few
            few, size = [], 0
        few.append(caption)
        size += len(caption.text)
    if few:
        yield few


def _edited(conn: Connection, edit: CaptionEdit, old: CurrentText) -> str:
    try:
        return edited(edit, old.text, old.facts)
    except TooLongError:
        raise _too_long(conn, old) from None


def _replaced(conn: Connection, process: RegexProcess, few: list[CurrentText]) -> list[tuple[CurrentText, str]]:
    try:
        return list(zip(few, process.replace([old.text for old in few]), strict=True))
    except RegexTooLongError as error:
        raise _too_long(conn, few[error.place]) from None
    except RegexTimeoutError as error:
        raise DtkError(
            f"The regular expression takes too long on a caption of {_named(conn, few[error.place])}.",
            "Nothing was changed. Write it without a repetition in a repetition, such as (a+)+.",
        ) from None


def _too_long(conn: Connection, old: CurrentText) -> DtkError:
    return DtkError(
        f"A caption of {_named(conn, old)} would be longer than {MAX_LENGTH:,} characters.", "Nothing was changed."
    )


def _named(conn: Connection, old: CurrentText) -> str:
    return images.path_of(conn, old.image_id) or f"the image {old.image_id}"
