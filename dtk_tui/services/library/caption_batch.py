"""Edits of the captions of many images: what they would change, and doing it in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dtk_tui.domain.caption_edit import CaptionEdit, TooLongError, edited, fault, needs
from dtk_tui.domain.captions import MAX_LENGTH
from dtk_tui.errors import DtkError, UsageError
from dtk_tui.services.library.regex_process import RegexProcess, RegexTimeoutError, RegexTooLongError
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.library import caption_batch as store
from dtk_tui.store.library import images
from dtk_tui.store.library.caption_batch import CurrentText, StagedText
from dtk_tui.text import one_line

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Ids = npt.NDArray[np.int64]

_EXAMPLES = 5
#: So many texts, or characters, are given to a regular expression at a time.
_FEW_TEXTS, _FEW_CHARACTERS = 200, 1_000_000


@dataclass(frozen=True, slots=True)
class Example:
    """One caption before and after an edit; None: there is none."""

    image_id: int
    before: str
    after: str | None


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What an edit changed, or would change.

    ``blank`` counts captions that would have been left without a word: they stay as they are. ``journal`` is the
    number of the edit in the journal; None: nothing was done.
    """

    changed: int
    blank: int
    examples: tuple[Example, ...] = ()
    journal: int | None = None


def preview(db: Database, image_ids: Ids | Sequence[int], edit: CaptionEdit, kind: str | None = None) -> BatchResult:
    """Return what ``apply`` would change, with the first changes, and change nothing; raises as ``apply``."""
    with db.connection() as conn:
        changed, blank, examples = 0, 0, list[Example]()
        for some in _edits(conn, image_ids, edit, kind, lock=False):
            done, without_words = _sorted_out(edit, some)
            changed, blank = changed + len(done), blank + without_words
            for old, new in done[: _EXAMPLES - len(examples)]:
                examples.append(Example(old.image_id, old.text, None if edit.operation == "remove" else new))
    return BatchResult(changed, blank, tuple(examples))


def apply(db: Database, image_ids: Ids | Sequence[int], edit: CaptionEdit, kind: str | None = None) -> BatchResult:
    """Edit the current captions of images, all or none of them; one edit in the journal.

    Args:
        kind: only captions of this type; None: of all.

    Raises:
        UsageError: the edit is not understood.
        DtkError: a regular expression takes too long on a caption, or a text would be too long; names the image.
    """
    with db.connection() as conn:
        store.begin(conn)
        changed, blank = 0, 0
        for some in _edits(conn, image_ids, edit, kind, lock=True):
            done, without_words = _sorted_out(edit, some)
            store.stage(
                conn, [StagedText(old.caption_id, old.image_id, old.source, old.type, new) for old, new in done]
            )
            changed, blank = changed + len(done), blank + without_words
        if not changed:
            return BatchResult(0, blank)
        write = store.remove if edit.operation == "remove" else store.write
        return BatchResult(changed, blank, journal=write(conn, one_line(edit.title(), 200)))


def _sorted_out(edit: CaptionEdit, some: list[tuple[CurrentText, str]]) -> tuple[list[tuple[CurrentText, str]], int]:
    """Return what really changes, and how many captions would be left without a word."""
    if edit.operation == "remove":
        return some, 0
    changed = [(old, new) for old, new in some if new != old.text]
    kept = [(old, new) for old, new in changed if new.strip()]
    return kept, len(changed) - len(kept)


def _edits(
    conn: Connection, image_ids: Ids | Sequence[int], edit: CaptionEdit, kind: str | None, *, lock: bool
) -> Iterator[list[tuple[CurrentText, str]]]:
    """Yield captions with their texts after the edit."""
    if told := fault(edit):
        raise UsageError(told)
    ids = [int(number) for number in image_ids]
    with ExitStack() as stack:
        process = stack.enter_context(RegexProcess(edit.text, edit.new)) if edit.operation == "regex" else None
        for captions in store.read(conn, ids, kind, needs(edit), lock):
            if edit.operation == "remove":
                yield [(old, "") for old in captions]
            elif process is None:
                yield [(old, _edited(conn, edit, old)) for old in captions]
            else:
                for few in _in_portions(captions):
                    yield list(zip(few, _replaced(conn, process, few), strict=True))


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


def _replaced(conn: Connection, process: RegexProcess, few: list[CurrentText]) -> list[str]:
    try:
        return process.replace([old.text for old in few])
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
