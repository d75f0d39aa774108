"""The caption editor of a running app, and what the library holds of the captions of an image."""

from __future__ import annotations

from msgspec import structs

from dtk_tui.config import Config
from dtk_tui.domain.captions import Caption, Draft, ModelText, WhenThere
from dtk_tui.services.captions import versions as captions
from dtk_tui.settings import CaptionSettings
from dtk_tui.store.database import Database
from dtk_tui.store.library import caption_drafts
from dtk_tui.store.library import captions as store
from dtk_tui.ui.screens.caption_editor import CaptionEditorScreen
from dtk_tui.ui.widgets.captions.area import CaptionArea
from tests.helpers.fault_server import FaultServer
from tests.helpers.running_app import Running


def write(db: Database, image: int, text: str, kind: str = "descriptive", prompt: str = "Describe it.") -> None:
    """Let a model have said something."""
    with db.connection() as conn:
        captions.save(conn, [ModelText(image, kind, "joy", text, None, "joy", prompt)], WhenThere.KEEP)


def current(db: Database, image: int) -> list[str]:
    with db.connection() as conn:
        return [one.text for one in store.current(conn, [image]).get(image, [])]


def versions(db: Database, image: int) -> list[Caption]:
    with db.connection() as conn:
        return store.versions(conn, image)


def drafts(db: Database, image: int) -> list[Draft]:
    with db.connection() as conn:
        return caption_drafts.of_image(conn, image)


def editor(run: Running) -> CaptionEditorScreen:
    """The editor, whatever dialog lies on top of it."""
    return next(one for one in run.app.screen_stack if isinstance(one, CaptionEditorScreen))


def area(run: Running) -> CaptionArea:
    return editor(run).query_one(CaptionArea)


def is_open(run: Running) -> bool:
    return isinstance(run.app.screen, CaptionEditorScreen) and not area(run).read_only


async def open_editor(run: Running, shown: str = "029.png") -> None:
    await run.shows(shown)
    await run.press("d")
    await run.until(lambda: is_open(run))


async def asks(run: Running, kind: type, words: str) -> None:
    await run.until(lambda: isinstance(run.app.screen, kind))
    await run.shows(words)


def with_captioner(config: Config, server: FaultServer) -> Config:
    asked = CaptionSettings(backend="openai", base_url=server.url, model="joy", temperature=0)
    config.settings = structs.replace(config.settings, captions=asked)
    return config
