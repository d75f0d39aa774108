"""What is known about an image, as text for the tabs of the preview."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from dtk_tui.domain.library import Hit, ImageDetail, ImageRow
from dtk_tui.text import file_size, one_line
from dtk_tui.ui.format import line, lines

#: So many captions of one image are shown.
_CAPTIONS = 20


def prompt(detail: ImageDetail) -> Content:
    """Return prompt, negative prompt and captions."""
    parts: list[Content] = []
    if given := _given(detail):
        parts += [Content.styled(given, "bold $accent"), Content("")]
    if detail.prompt is None:
        why = "This file says nothing about how it was made."
        parts.append(Content.styled(why if detail.scan_phase else "Not read yet: a scan is needed.", "$muted"))
    else:
        parts.append(lines(detail.prompt))
    if detail.negative_prompt:
        parts += [Content(""), Content.styled("Negative prompt", "bold $accent"), lines(detail.negative_prompt)]
    for caption in detail.captions[:_CAPTIONS]:
        said = f"{caption.source}, {caption.type}{', edited' if caption.is_user_edited else ''}"
        head = Content.assemble(("Caption  ", "bold $accent"), (one_line(said, 100), "$muted"))
        parts += [Content(""), head, lines(caption.text, limit=5000)]
    if detail.error:
        parts += [Content(""), Content.assemble(("Could not be read: ", "$error"), line(detail.error))]
    return Content("\n").join(parts)


def _given(detail: ImageDetail) -> str:
    """Return what a person gave the image, in a line: rating and flags."""
    words = [] if detail.rating is None else [f"Rating {detail.rating}"]
    words += ["\u2665 favourite"] if detail.favorite else []
    words += ["NSFW"] if detail.nsfw else []
    words += ["for deletion"] if detail.for_deletion else []
    return "   ".join(words)


def parameters(detail: ImageDetail) -> Content:
    """Return everything else that was read, one line each."""
    pairs: list[tuple[str, object]] = [
        ("File", detail.path),
        ("Size", f"{detail.width}\u00d7{detail.height}" if detail.width else None),
        ("Bytes", file_size(detail.file_size)),
        ("Created", f"{detail.created_at.astimezone():%Y-%m-%d %H:%M:%S}"),
        ("Dialect", detail.dialect),
        ("Model", detail.model),
        ("Hash", detail.model_hash),
        ("Steps", detail.steps),
        ("Sampler", detail.sampler),
        ("Scheduler", detail.scheduler),
        ("CFG", detail.cfg_scale),
        ("Seed", detail.seed),
        ("Rating", detail.rating),
        ("Albums", ", ".join(detail.albums) or None),
        ("Group", f"{detail.members} images, embedded once" if detail.members > 1 else None),
        ("Embedded", ", ".join(detail.embedded) or None),
        ("State", _state(detail)),
        *((key.replace("_", " ").capitalize(), value) for key, value in detail.extra.items()),
    ]
    shown = [(one_line(word, 40), value) for word, value in pairs if value is not None and value != ""]
    width = max((len(word) for word, _ in shown), default=0)
    rows = [Content.assemble((f"{word:<{width}}  ", "$muted"), line(str(value), limit=2000)) for word, value in shown]
    return Content("\n").join(rows)


def _state(detail: ImageDetail) -> str | None:
    words = [
        word
        for word, holds in (
            ("file is not there", detail.unavailable),
            ("favorite", detail.favorite),
            ("nsfw", detail.nsfw),
            ("for deletion", detail.for_deletion),
        )
        if holds
    ]
    return ", ".join(words) or None


def tags(detail: ImageDetail) -> Content:
    """Return tags with their confidence, best first."""
    if not detail.tags:
        return Content.styled("No tags yet: queue it for tags, or give it one by hand.", "$muted")
    rows = []
    for tag in detail.tags[:500]:
        sure = "     " if tag.confidence is None else f"{tag.confidence:5.0%}"
        rows.append(
            Content.assemble(
                (f"{sure}  ", "$accent"), line(tag.name, limit=200), (f"  {one_line(tag.source, 60)}", "$muted")
            )
        )
    return Content("\n").join(rows)


def similar(hits: Sequence[tuple[Hit, ImageRow]]) -> Content:
    """Return the images that look or read most alike, best first."""
    if not hits:
        return Content.styled("Nothing similar is known yet: embed this image and others first.", "$muted")
    return Content("\n").join(
        [
            Content.assemble(
                (f"{hit.score or 0:.3f}  ", "$accent"),
                line(row.file_name, limit=120),
                (f"  {one_line(row.model or '', 40)}", "$muted"),
            )
            for hit, row in hits
        ]
    )
