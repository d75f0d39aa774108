"""Asking a captioner about one image for a person who waits: the answer comes piece by piece and can be stopped.

Decoders and HTTP clients are loaded in the threads that use them: the app has this module from its start.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable

from dtk_tui.config import Config
from dtk_tui.domain.captions import ModelText
from dtk_tui.domain.events import ignore
from dtk_tui.errors import DatabaseLostError, NotSetUpError
from dtk_tui.inference.captioner import prompts
from dtk_tui.inference.captioner.base import Captioner, Question, Sampling
from dtk_tui.inference.captioner.caption_text import caption_of
from dtk_tui.services.background import BackgroundTask
from dtk_tui.services.captions import versions as captions
from dtk_tui.services.captions.editor import CaptionPage
from dtk_tui.settings import CaptionSettings
from dtk_tui.store.database import Database
from dtk_tui.store.queue import caption_jobs

_log = logging.getLogger(__name__)
_FACT_CHARACTERS = 4_000


class _StoppedError(Exception):
    """A person ended the answer."""


class CaptionAnswer(BackgroundTask):
    """One question and what comes of it; ``text`` grows while it runs, ``said`` is there when it ended well.

    Args:
        changed: called from its thread when there is more, and at the end.
    """

    def __init__(
        self, writer: CaptionWriter, page: CaptionPage, kind: prompts.CaptionType, changed: Callable[[], object]
    ) -> None:
        super().__init__("caption", ignore)
        self._writer = writer
        self._page = page
        self._kind = kind
        self._changed = changed
        self._lock = threading.Lock()
        self._pieces: list[str] = []
        self._asked: Captioner | None = None
        self.began = time.monotonic()
        self.said: ModelText | None = None
        self.is_over = False

    @property
    def is_stopped(self) -> bool:
        """Whether a person ended it."""
        return self._stop_asked.is_set()

    @property
    def condition(self) -> str | None:
        """What keeps the answer from coming, for a person."""
        return None if self._asked is None else self._asked.condition

    def take(self) -> str:
        """Return what came since the last call."""
        with self._lock:
            text, self._pieces = "".join(self._pieces), []
        return text

    def _work(self) -> None:
        from dtk_tui.inference.captioner import picture

        page, settings = self._page, self._writer.config.settings.captions
        prompt = self._writer.prompt(page, self._kind)
        self._asked = asked = self._writer.captioner()
        data = picture.encode(self._writer.config.local_path(page.path), asked.picture_size())
        seed = secrets.randbelow(2**31)
        question = Question(
            prompt, settings.system, Sampling(settings.temperature, settings.top_p, settings.max_tokens), seed
        )
        if self.is_stopped:
            return
        try:
            answer = asked.ask(data, question, slot=0, on_text=self._take)
        except _StoppedError:
            return
        text = caption_of(answer)
        parameters = {
            "backend": settings.backend,
            "system": settings.system,
            "temperature": settings.temperature,
            "top_p": settings.top_p,
            "max_tokens": settings.max_tokens,
            "seed": seed,
        }
        said = ModelText(page.image_id, page.type, asked.model, text, None, asked.model, prompt, parameters)
        try:
            self._writer.keep(said)
        except DatabaseLostError:
            _log.warning("what the model said is in the editor, and not among the versions: the database is away")
        self.said = said

    def _take(self, text: str) -> None:
        if self.is_stopped:
            raise _StoppedError
        with self._lock:
            self._pieces.append(text)
        self._changed()

    def _ended(self) -> None:
        self.is_over = True
        if not self.is_stopped:
            self._changed()


class CaptionWriter:
    """Asks for captions of single images: the captioner of this process's worker where it has one, else one of its own.

    Args:
        borrow: returns the captioner that the worker has loaded, or None.
    """

    def __init__(self, db: Database, config: Config, borrow: Callable[[], Captioner | None]) -> None:
        self.config = config
        self._db = db
        self._borrow = borrow
        self._lock = threading.Lock()
        self._own: Captioner | None = None

    def types(self) -> list[tuple[str, str]]:
        """Return name and title of every type that can be asked for, that of the config first."""
        settings = self.config.settings.captions
        usual = captions.type_name(settings, settings.type)
        found = [(kind.name, kind.title) for kind in prompts.caption_types(settings)]
        return sorted(found, key=lambda one: one[0] != usual)

    def check(self) -> None:
        """Refuse where no captioner is set up.

        Raises:
            DtkError: there is none, with what to do.
        """
        from dtk_tui.inference.captioner.choice import check_settings

        settings = self.config.settings.captions
        if settings.backend == "llama" and not settings.model:
            raise NotSetUpError(
                "No captioner is set up on this host.",
                "Name a model, or an endpoint, in [captions] of config.toml; dtk guide captions tells how.",
            )
        check_settings(self.config)

    def start(self, page: CaptionPage, changed: Callable[[], object]) -> CaptionAnswer:
        """Begin to ask for a caption of the type of a page, in a thread of its own.

        Raises:
            UsageError: there is no such type any more.
        """
        kind = prompts.find_type(self.config.settings.captions, page.type)
        answer = CaptionAnswer(self, page, kind, changed)
        answer.start()
        return answer

    def captioner(self) -> Captioner:
        """Return the captioner to ask; a server of its own is kept until ``close``.

        Raises:
            ModelError: the config is not enough for one.
        """
        from dtk_tui.inference.captioner.choice import captioner

        lent = self._borrow()
        if lent is not None:
            self.close()  # two servers would hold the model twice
            return lent
        with self._lock:
            if self._own is None:
                self._own = captioner(self.config)
            return self._own

    def close(self) -> None:
        """End the server that was started here, if any."""
        with self._lock:
            own, self._own = self._own, None
        if own is not None:
            own.close()

    def prompt(self, page: CaptionPage, kind: prompts.CaptionType) -> str:
        """Return the prompt for an image, with what its template asks to know of the picture."""
        settings: CaptionSettings = self.config.settings.captions
        places = prompts.places_of(settings.templates.get(kind.name, ""))
        if not places:
            return prompts.prompt_for(kind, settings, prompts.PictureFacts())
        image = page.image_id
        with self._db.connection() as conn:
            texts = caption_jobs.texts(conn, [image], _FACT_CHARACTERS)
            tags = caption_jobs.tags(conn, [image]) if "tags" in places else {}
        name, positive, negative = texts.get(image, ("", "", ""))
        facts = prompts.PictureFacts(positive, negative, name, page.text, tuple(tags.get(image, ())))
        return prompts.prompt_for(kind, settings, facts)

    def keep(self, said: ModelText) -> None:
        """Keep what a model said among the versions; what is current stays."""
        with self._db.connection() as conn:
            captions.set_aside(conn, said.image_id, said.type, said.text, said)
