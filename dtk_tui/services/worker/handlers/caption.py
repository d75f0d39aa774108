"""Captioning: every type that a job was asked for, in a row on one slot."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np

from dtk_tui.domain.captions import ModelText, Wanted, WhenThere
from dtk_tui.domain.job import ClaimedJob, Kind
from dtk_tui.errors import DtkError, ModelError, NotSetUpError, UsageError
from dtk_tui.inference.captioner import picture, prompts
from dtk_tui.inference.captioner.base import (
    Captioner,
    LostRequestError,
    NoCaptionError,
    Question,
    RefusedRequestError,
    Sampling,
    ServerDiedError,
    UnavailableError,
)
from dtk_tui.inference.captioner.caption_text import caption_of
from dtk_tui.inference.captioner.choice import captioner, check_settings
from dtk_tui.services.captions import versions as captions
from dtk_tui.services.worker.handlers.base import (
    JobHandler,
    KindPausedError,
    Lane,
    Loaded,
    PassingFaultError,
    Resources,
)
from dtk_tui.services.worker.handlers.crashes import CrashSuspects
from dtk_tui.settings import CaptionSettings
from dtk_tui.store.database import Connection
from dtk_tui.store.queue import caption_jobs

#: An answer that is no caption is asked for again with another seed, so often in all.
_SEEDS = 3
#: A picture that a server has no time for, while it has for others, is its own fault after so many times. Where there
#: are no others, it is asked about a plain one, with few words of an answer.
_MOST_REFUSALS = 5
_PROBE_TOKENS = 8
_MOST_NOTED = 10_000
_FACT_CHARACTERS = 4_000


@dataclass(frozen=True, slots=True)
class _Ask:
    type: str
    prompt: str
    base_id: int | None


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a job comes to: its types, and what of them the model has to be asked."""

    types: tuple[str, ...]
    when_there: WhenThere
    asks: tuple[_Ask, ...] = ()
    error: DtkError | None = None


@dataclass(slots=True)
class _Captions:
    """What was made of one picture.

    Attributes:
        done: types that need not be asked for again.
    """

    job: ClaimedJob
    plan: _Plan
    texts: list[ModelText] = field(default_factory=list)
    done: set[str] = field(default_factory=set)
    tokens: int = 0


class CaptionHandler(JobHandler):
    """Writes what a captioner says of pictures; the lane has as many threads as the captioner has slots."""

    kind = Kind.CAPTION
    lane: Lane = Lane("captions", threads=1)
    decodes: ClassVar[bool] = True

    def __init__(self, asked: Captioner, settings: CaptionSettings) -> None:
        self._captioner = asked
        self._settings = settings
        self._sampling = Sampling(settings.temperature, settings.top_p, settings.max_tokens)
        self._suspects = CrashSuspects()
        self._slots = itertools.count()
        self._thread = threading.local()
        self._answered = 0
        self._is_interrupted = False
        self._refused: dict[int, tuple[int, int]] = {}
        self.model = asked.model
        self.batch_size = 1
        self.lane = Lane("captions", threads=asked.slots)
        self.is_after_tags = settings.with_tags == "sequence"

    @classmethod
    def open(cls, resources: Resources) -> Self:
        """Take the captioner of the config; its server is started by the first job."""
        settings = resources.config.settings.captions
        if settings.backend == "llama" and not settings.model:
            raise NotSetUpError("No captioner is set up.", "See [captions] of config.toml, and dtk guide captions.")
        try:
            check_settings(resources.config)
        except UsageError as error:
            raise ModelError(error.title, error.detail) from error
        return cls(captioner(resources.config), settings)

    @property
    def captioner(self) -> Captioner:
        """What is asked; a person's question may go between those of the jobs."""
        return self._captioner

    @property
    def condition(self) -> str | None:
        """Say that the server loads its model."""
        return self._captioner.condition

    # -- before -----------------------------------------------------------------------------------------------------

    def prepare(self, conn: Connection, jobs: Sequence[ClaimedJob]) -> Mapping[int, Any]:
        """Return the plan of each job."""
        wanted = caption_jobs.asked(conn, [job.id for job in jobs])
        settings = self._settings
        plans: dict[int, _Plan] = {}
        for job in jobs:
            types, when = wanted.get(job.id, (None, None))
            plans[job.id] = _Plan(types or (settings.type,), WhenThere(when or settings.when_there))
        facts = self._facts(conn, jobs, plans)
        found: dict[tuple[int, str, WhenThere], Wanted] = {}
        for types, when_there in {(plan.types, plan.when_there) for plan in plans.values()}:
            images = [job.image_id for job in jobs if plans[job.id] == _Plan(types, when_there)]
            there = captions.wanted_for(conn, images, self.model, types, when_there)
            found |= {(image, name, when_there): want for (image, name), want in there.items()}
        return {job.id: self._plan(job, plans[job.id], found, facts) for job in jobs}

    def _facts(
        self, conn: Connection, jobs: Sequence[ClaimedJob], plans: Mapping[int, _Plan]
    ) -> dict[int, prompts.PictureFacts]:
        """Return what templates may ask for, of the pictures whose templates do."""
        places: set[str] = set()
        for name in {name for plan in plans.values() for name in plan.types}:
            places |= prompts.places_of(self._settings.templates.get(name, ""))
        if not places:
            return {}
        images = [job.image_id for job in jobs]
        texts = caption_jobs.texts(conn, images, _FACT_CHARACTERS)
        tags = caption_jobs.tags(conn, images) if "tags" in places else {}
        return {
            image: prompts.PictureFacts(prompt, negative, name, tags=tuple(tags.get(image, ())))
            for image, (name, prompt, negative) in texts.items()
        }

    def _plan(
        self,
        job: ClaimedJob,
        plan: _Plan,
        found: Mapping[tuple[int, str, WhenThere], Wanted],
        facts: Mapping[int, prompts.PictureFacts],
    ) -> _Plan:
        """Return what of a job the model has to be asked."""
        asks: list[_Ask] = []
        try:
            kinds = [prompts.find_type(self._settings, name) for name in plan.types]
        except UsageError as error:
            return _Plan(plan.types, plan.when_there, error=error)
        for name, kind in zip(plan.types, kinds, strict=True):
            want = found[job.image_id, name, plan.when_there]
            if not want.is_wanted:
                continue
            known = facts.get(job.image_id, prompts.PictureFacts())
            prompt = prompts.prompt_for(kind, self._settings, known, want.old_text)
            asks.append(_Ask(name, prompt, want.base_id))
        return _Plan(plan.types, plan.when_there, tuple(asks))

    def load(self, job: ClaimedJob) -> Loaded:
        """Encode the picture as the model sees it; one byte string for all its types."""
        if not job.details.asks:
            return Loaded(job, ())
        return Loaded(job, (np.frombuffer(picture.encode(job.path, self._captioner.picture_size()), np.uint8),))

    # -- asking -----------------------------------------------------------------------------------------------------

    def infer(self, batch: Sequence[Loaded]) -> list[Any]:
        """Ask for every caption of each picture."""
        return [self._caption(item) for item in batch]

    def _caption(self, item: Loaded) -> _Captions:
        job, plan = item.job, item.job.details
        made = _Captions(job, plan)
        if plan.error is not None:
            raise plan.error
        made.done |= set(plan.types) - {ask.type for ask in plan.asks}
        failure: DtkError | None = None
        if plan.asks:
            data = item.arrays[0].tobytes()
            with self._suspects.turn(job.id) as alone:
                for ask in plan.asks:
                    try:
                        self._ask(data, ask, made)
                    except (NoCaptionError, RefusedRequestError) as error:
                        failure = failure or error
                    except (LostRequestError, UnavailableError) as error:
                        failure = self._explain(job, error, alone=alone)
                        break
                else:
                    self._suspects.lived(job.id)
        if failure is not None and not made.texts:
            raise failure  # what has no result at all is dealt with as any job; else the rest comes again
        return made

    def _ask(self, data: bytes, ask: _Ask, made: _Captions) -> None:
        job = made.job
        for attempt in range(_SEEDS):
            seed = (job.image_id * 8191 + job.attempts * 31 + attempt) % 2**31
            question = Question(ask.prompt, self._settings.system, self._sampling, seed)
            answer = self._captioner.ask(data, question, slot=self._slot)
            self._answered += 1
            try:
                text = caption_of(answer)
            except NoCaptionError as error:
                if not error.again or self._sampling.temperature == 0 or attempt == _SEEDS - 1:
                    raise
                continue
            made.texts.append(
                ModelText(
                    job.image_id,
                    ask.type,
                    self.model,
                    text,
                    ask.base_id,
                    self.model,
                    ask.prompt,
                    self._parameters(seed),
                )
            )
            made.done.add(ask.type)
            made.tokens += answer.tokens
            return

    @property
    def _slot(self) -> int:
        """The slot of the calling thread: its questions about one picture meet one cache."""
        if not hasattr(self._thread, "slot"):
            self._thread.slot = next(self._slots) % self._captioner.slots
        slot: int = self._thread.slot
        return slot

    def _parameters(self, seed: int) -> dict[str, object]:
        settings = self._settings
        return {
            "backend": settings.backend,
            "system": settings.system,
            "temperature": settings.temperature,
            "top_p": settings.top_p,
            "max_tokens": settings.max_tokens,
            "seed": seed,
        }

    def _explain(self, job: ClaimedJob, error: DtkError, *, alone: bool) -> DtkError:
        """Return what the failure of a request means for its job, and for all others."""
        if self._is_interrupted:
            return KindPausedError("The captioner was stopped.", pause_s=0.0)
        if isinstance(error, ServerDiedError):
            if self._suspects.died(job.id, alone=alone):
                return DtkError("The captioner's server dies each time it works on this picture alone.", error.detail)
            return KindPausedError(error.title, error.detail, pause_s=error.retry_after_s)
        if isinstance(error, UnavailableError):
            if error.retry_after_s is not None and self._is_refused_alone(job.id):
                return PassingFaultError(error.title, error.detail)
            return KindPausedError(error.title, error.detail, pause_s=error.retry_after_s)
        return PassingFaultError(error.title, error.detail)

    def _is_refused_alone(self, job_id: int) -> bool:
        """Count that the server had no time for a job; say whether it has for others and will not have for this one."""
        times, answered = self._refused.get(job_id, (0, self._answered))
        if len(self._refused) > _MOST_NOTED:
            self._refused.clear()
        self._refused[job_id] = (times + 1, answered)
        if times + 1 < _MOST_REFUSALS:
            return False
        return self._answered - answered >= _MOST_REFUSALS or self._answers_a_plain_picture()

    def _answers_a_plain_picture(self) -> bool:
        sampling = Sampling(self._settings.temperature, self._settings.top_p, _PROBE_TOKENS)
        plain = picture.plain(self._captioner.picture_size())
        try:
            self._captioner.ask(plain, Question("Describe this image.", "", sampling), slot=self._slot)
        except DtkError:
            return False
        return True

    # -- after ------------------------------------------------------------------------------------------------------

    def save(self, conn: Connection, rows: Sequence[tuple[int, Any]]) -> None:
        """Store the captions, and let jobs wait again for the types that are left of them."""
        made: list[_Captions] = [one for _, one in rows]
        for when_there in WhenThere:
            texts = [text for one in made if one.plan.when_there is when_there for text in one.texts]
            if texts:
                captions.save(conn, texts, when_there)
        for one in made:
            caption_jobs.keep_rest(conn, one.job.id, one.plan.types, one.done)

    def output(self, result: Any) -> Mapping[str, int]:
        """Return how many captions and tokens a result has."""
        return {"captions": len(result.texts), "tokens": result.tokens}

    def interrupt(self) -> None:
        """End the captioner's server, also while it loads its model, and the requests under way."""
        self._is_interrupted = True
        self._captioner.close()

    def close(self) -> None:
        """End the captioner's server."""
        self._captioner.close()
