"""The contract between the stages of a worker and a kind of work.

A handler says how one image is loaded, how a batch is inferred and how results are saved. What only some kinds need has
a default: prompts that are inferred beside the images, vector indexes that a bulk run builds anew, a lane of its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from dtk_tui.config import Config
from dtk_tui.domain.events import ProblemReported
from dtk_tui.domain.job import ClaimedJob, Kind
from dtk_tui.domain.looks import ImageLook
from dtk_tui.errors import DtkError
from dtk_tui.inference.devices.provider import FIRST_DEVICE, Device, Placement
from dtk_tui.inference.preprocessing import Picture
from dtk_tui.store.database import Connection, Database

if TYPE_CHECKING:
    import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Lane:
    """Threads that infer; kinds of work in one lane take turns on them, and lanes do not wait for each other.

    Attributes:
        threads: how many; None is one for each device, with a handler for each of them.
    """

    name: str
    threads: int | None = None


#: The lane of models that this process runs.
DEVICE = Lane("device")


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt that a kind of work needs beside its images; ``details`` is what its handler found out of it."""

    kind: Kind
    id: int
    text: str
    details: Any = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """One image ready for inference; ``prompt`` is what a suspect needs beside it.

    ``looks`` is what was seen of it, and of others, on the way.
    """

    job: ClaimedJob
    arrays: tuple[npt.NDArray[Any], ...]
    prompt: Prompt | None = None
    looks: tuple[ImageLook, ...] = ()


@dataclass(frozen=True, slots=True)
class Resources:
    """What a handler is made from.

    Attributes:
        threads: threads that one inference may use.
        device: where its models are to run.
    """

    db: Database
    config: Config
    threads: int
    device: Device = FIRST_DEVICE


class KindPausedError(DtkError):
    """Nothing of this kind can be done now, whatever the image: the jobs stay queued.

    Args:
        pause_s: when to try again at the soonest, in seconds; None when a person has to do something first.
    """

    def __init__(self, title: str, detail: str = "", *, pause_s: float | None = None) -> None:
        super().__init__(title, detail)
        self.pause_s = pause_s


class PassingFaultError(DtkError):
    """This job could not be done just now; it is tried again later, a few times."""


class JobHandler(ABC):
    """One kind of work with its models in memory.

    Attributes:
        lane: where ``infer`` runs; of the class, whether that is on devices.
        is_of_group: whether a result holds for all members of an image's group: those that nobody has decoded yet come
            with its job, so that ``load`` sees whether they look alike.
        model: the name that is logged with each job.
        batch_size: how many images ``infer`` gets at most.
        placement: where the models run; None when that is not in this process.
        image_models: models whose input ``load`` makes, in the order of ``Loaded.arrays``. A suspect is read for them
            in a process of its own; empty when reading a file cannot harm the worker.
        decodes: whether ``load`` decodes the file for no image model; a suspect is then decoded in a process of its own
            before.
        is_after_tags: whether its jobs wait while their images are still to be tagged.
        indexed_spaces: embedding spaces that ``save`` writes to, whose indexes a bulk run takes away and builds anew.
        notices: what people should know before the work begins.
    """

    kind: ClassVar[Kind]
    lane: Lane = DEVICE
    decodes: ClassVar[bool] = False
    is_of_group: ClassVar[bool] = False

    model: str
    batch_size: int
    placement: Placement | None = None
    image_models: tuple[str, ...] = ()
    indexed_spaces: tuple[int, ...] = ()
    is_after_tags: bool = False
    notices: tuple[ProblemReported, ...] = ()

    @classmethod
    @abstractmethod
    def open(cls, resources: Resources) -> Self:
        """Load the models.

        Raises:
            ModelError: this machine does not have them.
        """

    @property
    def condition(self) -> str | None:
        """What keeps the kind from being done just now."""
        return None

    def prepare(self, conn: Connection, jobs: Sequence[ClaimedJob]) -> Mapping[int, Any]:
        """Return ``ClaimedJob.details`` by job id, in the transaction that claims."""
        return {}

    @abstractmethod
    def load(self, job: ClaimedJob) -> Loaded:
        """Read one image; runs on decode threads.

        Raises:
            UnreadableFileError: the file cannot be decoded, and never will be.
        """

    @abstractmethod
    def infer(self, batch: Sequence[Loaded]) -> list[Any]:
        """Return one result an image, in order; runs on a thread of the lane, on several at once if it has several.

        Raises:
            OSError, PassingFaultError: a fault that may pass; every other error but a lack of memory is for good.
            KindPausedError: nothing of this kind can be done now.
        """

    @abstractmethod
    def save(self, conn: Connection, rows: Sequence[tuple[int, Any]]) -> None:
        """Write results given as (image id, result), in the transaction that ends their jobs."""

    def interrupt(self) -> None:  # noqa: B027 (nothing to do is right for most)
        """Let ``infer`` end soon, for the worker stops: by ``KindPausedError`` where it has no result yet."""

    @abstractmethod
    def close(self) -> None:
        """Give the memory of the models back."""

    def output(self, result: Any) -> Mapping[str, int]:
        """Return what a saved result comes to beside one job, by a word: rates of it are told."""
        return {}


class PictureHandler(JobHandler):
    """A kind of work that makes what it loads from a decoded picture: one decoding serves all such kinds."""

    def load(self, job: ClaimedJob) -> Loaded:
        """Decode one image, and take it."""
        return self.take(job, Picture.open(job.path))

    @abstractmethod
    def take(self, job: ClaimedJob, picture: Picture) -> Loaded:
        """Make what is inferred from a decoded picture, which other kinds use after it; runs on decode threads."""


class PromptHandler(JobHandler):
    """A kind of work whose images wait for the results of their prompts, and fail with them.

    Attributes:
        prompt_batch_size: how many prompts ``infer_prompts`` gets at most.
    """

    prompt_batch_size: int = 64

    @abstractmethod
    def missing_prompts(self, conn: Connection, prompt_ids: Sequence[int]) -> dict[int, Prompt]:
        """Return by id those prompts that lack a result."""

    @abstractmethod
    def infer_prompts(self, prompts: Sequence[Prompt]) -> list[Any]:
        """Return one result a prompt, in order; runs on a thread of the lane."""

    @abstractmethod
    def save_prompts(self, conn: Connection, rows: Sequence[tuple[int, Any]]) -> None:
        """Write results given as (prompt id, result)."""
