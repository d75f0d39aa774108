"""What the caption editor asks of the library: one caption of an image with its versions, its draft, and saving.

A draft, the text that is typed and not saved yet, stands in the database and not in a file: it is then where captions
are, whichever host is used next, in a backup too, gone with its image, and dropped in the transaction that saves its
text. While the database is away there is no draft, but also nothing to save into; the editor writes it as soon as the
database is back. One that a person does not take up again is kept among the versions: see ``put_aside``.
"""

from __future__ import annotations

from dataclasses import dataclass

from dtk_tui.config import Config
from dtk_tui.domain.captions import Caption, Draft
from dtk_tui.errors import DtkError
from dtk_tui.services.captions import versions as captions
from dtk_tui.services.library.caption_language import adopt_language
from dtk_tui.store.database import Database
from dtk_tui.store.library import caption_drafts as drafts
from dtk_tui.store.library import captions as store
from dtk_tui.store.library import images

#: Characters of the longest caption that is edited in the app: each key wraps its line anew.
EDITABLE = 50_000
#: So many versions are offered, the newest.
_VERSIONS = 200


@dataclass(frozen=True, slots=True)
class CaptionPage:
    """One type of caption of an image.

    Attributes:
        path: of the image, as the library knows it.
        current: the caption of this type that is shown first, whole; None: there is none.
        all_current: the current captions of the image, of all types, in the order in which they are shown.
        versions: the newest of this type, newest first, cut after ``EDITABLE`` + 1 characters.
        draft: what a person typed and did not save.
    """

    image_id: int
    path: str
    type: str
    current: Caption | None
    all_current: tuple[Caption, ...]
    versions: tuple[Caption, ...]
    draft: Draft | None

    @property
    def base_id(self) -> int | None:
        """The version that an edit begins from."""
        return None if self.current is None else self.current.id

    @property
    def text(self) -> str:
        """The caption as it is stored; empty where there is none."""
        return "" if self.current is None else self.current.text


class ChangedMeanwhileError(DtkError):
    """The caption is not the one any more that the edit began from."""


def load(db: Database, config: Config, image_id: int, kind: str | None = None) -> CaptionPage | None:
    """Return a caption of an image to be edited; None when the image is gone.

    Args:
        kind: its type; None: that of the newest draft, else that of the caption that is shown first.
    """
    settings = config.settings.captions
    with db.connection() as conn:
        path = images.path_of(conn, image_id)
        if path is None:
            return None
        found = drafts.of_image(conn, image_id)
        there = store.current(conn, [image_id]).get(image_id, [])
        if kind is None:
            kind = found[0].type if found else there[0].type if there else captions.type_name(settings, settings.type)
        return CaptionPage(
            image_id,
            path,
            kind,
            next((one for one in there if one.type == kind), None),
            tuple(there),
            tuple(store.latest_versions(conn, image_id, kind, limit=_VERSIONS, longest=EDITABLE + 1)),
            next((one for one in found if one.type == kind), None),
        )


def save(db: Database, config: Config, page: CaptionPage, text: str, *, over: bool = False) -> int | None:
    """Save a person's text as the current version, drop its draft, and return its number in the journal.

    None: the caption was so already.

    Args:
        over: whatever the caption is by now; what it was stays among the versions.

    Raises:
        ChangedMeanwhileError: without ``over``, somebody changed the caption since ``page`` was loaded.
        UsageError: the text is empty or too long, or the image is gone.
    """
    captions.checked(text)
    with db.connection() as conn:
        adopt_language(conn, config.settings.captions.language)
        there = store.lock(conn, [page.image_id]).get(page.image_id, [])
        now = next((one for one in there if one.type == page.type), None)
        if not over and now is not None and now.id != page.base_id and now.text != text:
            who = "A person" if now.is_user_edited else now.model or now.source
            raise ChangedMeanwhileError(
                "The caption was changed meanwhile.",
                f"{who} wrote another text at {now.created_at.astimezone():%H:%M}.",
            )
        _, number = captions.set_text(conn, page.image_id, text, page.type, page.type)
        drafts.drop(conn, page.image_id, page.type)
    return number


def keep_draft(db: Database, page: CaptionPage, text: str | None) -> None:
    """Keep what is typed and not saved; None: nothing is."""
    with db.connection() as conn:
        if text is None:
            drafts.drop(conn, page.image_id, page.type)
        else:
            drafts.put(conn, page.image_id, page.type, text, page.base_id)


def put_aside(db: Database, page: CaptionPage, text: str) -> None:
    """Keep a text that is not saved among the versions, not as the current one, and drop its draft."""
    with db.connection() as conn:
        captions.set_aside(conn, page.image_id, page.type, text)
        drafts.drop(conn, page.image_id, page.type)
