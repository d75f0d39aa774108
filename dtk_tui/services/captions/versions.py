"""Captions: what a model says and what a person writes, and which of the two is kept."""

from __future__ import annotations

from collections.abc import Sequence

from dtk_tui.config import Config
from dtk_tui.domain.captions import (
    MAX_LENGTH,
    USER,
    Caption,
    Decision,
    ModelText,
    Outcome,
    Wanted,
    WhenThere,
    decide,
    wanted,
)
from dtk_tui.domain.journal import CAPTION, Changes
from dtk_tui.errors import UsageError
from dtk_tui.inference.captioner.prompts import find_type
from dtk_tui.settings import CaptionSettings
from dtk_tui.store.database import Connection, Database
from dtk_tui.store.library import captions as store
from dtk_tui.store.library import images, journal
from dtk_tui.text import one_line


def wanted_for(
    conn: Connection, image_ids: Sequence[int], source: str, kinds: Sequence[str], when_there: WhenThere
) -> dict[tuple[int, str], Wanted]:
    """Return for each image and type of caption whether a model has anything to do, before it is asked.

    Args:
        source: the name under which the model's captions are kept.
        kinds: the types that are asked for.
    """
    there = store.current(conn, image_ids)
    return {
        (image_id, kind): wanted(there.get(image_id, ()), source, kind, when_there)
        for image_id in image_ids
        for kind in kinds
    }


def save(conn: Connection, texts: Sequence[ModelText], when_there: WhenThere) -> list[Outcome]:
    """Store what models said, by the rules of ``domain.captions.decide``, and return what became of each text.

    Belongs into the transaction that ends the jobs. Of several writers at once the first one to come is heard; the
    others meet what it wrote.
    """
    if not texts:
        return []
    outcomes: dict[int, Outcome] = {}
    there = store.lock(conn, [said.image_id for said in texts])
    order = sorted(range(len(texts)), key=lambda i: (texts[i].image_id, texts[i].source, texts[i].type))
    for i, following in zip(order, [*order[1:], None], strict=True):
        said = texts[i]
        is_last = following is None or texts[following].image_id != said.image_id
        if not said.text.strip():
            raise ValueError("a text without a word is no caption")
        while i not in outcomes:
            decision = decide(there.get(said.image_id, ()), said, when_there)
            outcome = _store(conn, said, decision)
            if outcome is not None:
                outcomes[i] = outcome
            if outcome is None or (outcome is not Outcome.KEPT and not is_last):
                there[said.image_id] = store.lock(conn, [said.image_id]).get(said.image_id, [])
    return [outcomes[i] for i in range(len(texts))]


def _store(conn: Connection, said: ModelText, decision: Decision) -> Outcome | None:
    """Carry out a decision; None when another writer was quicker and it has to be taken anew."""
    if decision.outcome is Outcome.KEPT:
        return Outcome.KEPT
    replaced = None if decision.replaced is None else decision.replaced.id
    version = store.add_version(
        conn,
        said.image_id,
        source=decision.source,
        kind=said.type,
        text=decision.text[:MAX_LENGTH],
        is_user_edited=decision.is_user_edited,
        parent_id=replaced,
        model=said.model or said.source,
        prompt_used=said.prompt_used,
        parameters=said.parameters,
    )
    if version is None:
        return Outcome.GONE
    if decision.outcome is Outcome.SET_ASIDE or store.make_current(conn, version, replaced):
        return decision.outcome
    store.drop_version(conn, version)
    return None


def type_name(settings: CaptionSettings, name: str) -> str:
    """Return the name of the type that a person named by name or title; a type of their own is as they wrote it."""
    try:
        return find_type(settings, name).name
    except UsageError:
        return name


def checked(text: str) -> str:
    """Return a text that a person gave for a caption.

    Raises:
        UsageError: it is empty or too long.
    """
    if not text.strip():
        raise UsageError("A caption cannot be empty.", "Give it a word at least.")
    if len(text) > MAX_LENGTH:
        raise UsageError(f"A caption has at most {MAX_LENGTH:,} characters; this one has {len(text):,}.")
    return text


def set_text(
    conn: Connection, image_id: int, text: str, kind: str | None = None, default_kind: str = ""
) -> tuple[Caption, int | None]:
    """Give an image a caption as a person wrote it; return it, and its number in the journal (None: as it was).

    The caption that is shown first is edited, and keeps its source and type; one of another source is left alone.

    Args:
        kind: which type of caption; None: the one that is shown first.
        default_kind: the type of a caption where none was.

    Raises:
        UsageError: the text is empty or too long, or the image is gone.
    """
    checked(text)
    while True:
        there = store.lock(conn, [image_id]).get(image_id, [])
        old = next((one for one in there if kind is None or one.type == kind), None)
        if old is not None and old.is_user_edited and old.text == text:
            return old, None
        version = store.add_version(
            conn,
            image_id,
            source=USER if old is None else old.source,
            kind=(kind or default_kind) if old is None else old.type,
            text=text,
            is_user_edited=True,
            parent_id=None if old is None else old.id,
        )
        if version is None:
            raise UsageError(f"The image {image_id} is not in the library any more.")
        before = None if old is None else old.id
        if store.make_current(conn, version, before):
            break
        store.drop_version(conn, version)
    number = journal.add(conn, CAPTION, f"Caption: {one_line(text, 80)}", Changes([image_id], [before], [version]))
    now = next(one for one in store.current(conn, [image_id])[image_id] if one.id == version)
    return now, number


def set_aside(conn: Connection, image_id: int, kind: str, text: str, said: ModelText | None = None) -> int | None:
    """Keep a text as a version that is not current, and return its id; None when the image is gone, or the text empty.

    Args:
        said: what a model said, where the text is a model's and not a person's.
    """
    if not text.strip():
        return None
    there = store.current(conn, [image_id]).get(image_id, [])
    parent = next((one.id for one in there if one.type == kind), None)
    if said is None:
        source = next((one.source for one in there if one.type == kind), USER)
        return store.add_version(
            conn, image_id, source=source, kind=kind, text=text[:MAX_LENGTH], is_user_edited=True, parent_id=parent
        )
    return store.add_version(
        conn,
        image_id,
        source=said.source,
        kind=kind,
        text=text[:MAX_LENGTH],
        is_user_edited=False,
        parent_id=parent,
        model=said.model or said.source,
        prompt_used=said.prompt_used,
        parameters=said.parameters,
    )


def versions(db: Database, config: Config, image: str) -> tuple[int, str, list[Caption]]:
    """Return the id and the path of an image that a person named, and all versions of its captions, the newest first.

    Raises:
        UsageError: there is no such image in the library.
    """
    from dtk_tui.services.library.search import find_image

    with db.connection() as conn:
        number = find_image(conn, config, image)
        return number, images.path_of(conn, number) or image, store.versions(conn, number)
