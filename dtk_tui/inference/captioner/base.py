"""What a captioner is asked and answers, and how it fails."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from dtk_tui.errors import DtkError


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the words of an answer are chosen.

    Attributes:
        max_tokens: the longest answer; one that reaches it is cut off.
    """

    temperature: float = 0.6
    top_p: float = 0.9
    max_tokens: int = 512


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a picture.

    Attributes:
        system: the system prompt; empty sends none.
        seed: another one gives another answer where the temperature is above 0.
    """

    prompt: str
    system: str
    sampling: Sampling
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, as it came.

    Attributes:
        text: what the model said; ``thoughts`` is what it thought before, where the server tells that apart.
        finish_reason: ``stop``, ``length`` (cut off), or a word of the server; empty when it gave none.
        cached_tokens: how many of ``prompt_tokens`` the server had in its cache.
    """

    text: str
    thoughts: str = ""
    finish_reason: str = ""
    tokens: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0


class NoCaptionError(DtkError):
    """The answer is no caption.

    Args:
        again: whether another seed may help.
    """

    def __init__(self, title: str, detail: str = "", *, again: bool) -> None:
        super().__init__(title, detail)
        self.again = again


class RefusedRequestError(DtkError):
    """The server refuses this very request, and would refuse it again: a bad image, a prompt that is too long."""


class LostRequestError(DtkError):
    """This request brought no answer: a timeout, a dropped connection, a fault inside the server; later it may."""


class UnavailableError(DtkError):
    """Nothing can be asked now, whatever the picture.

    Args:
        retry_after_s: when to ask again, in seconds; None when a person has to do something first.
    """

    def __init__(self, title: str, detail: str = "", *, retry_after_s: float | None = None) -> None:
        super().__init__(title, detail)
        self.retry_after_s = retry_after_s


class ServerDiedError(UnavailableError):
    """The server that was started here ended while it had this request."""


class Captioner(ABC):
    """A model that is asked about pictures; every method may be called from several threads.

    Attributes:
        model: the name that captions are kept under.
        slots: how many requests it works on at once.
    """

    model: str
    slots: int

    @abstractmethod
    def open(self) -> None:
        """Get ready to answer; does nothing when it is.

        Raises:
            UnavailableError: it cannot.
        """

    @abstractmethod
    def ask(
        self,
        picture: bytes,
        question: Question,
        *,
        slot: int | None = None,
        on_text: Callable[[str], None] | None = None,
    ) -> Answer:
        """Ask about a picture.

        Args:
            picture: an encoded JPEG; the very same bytes for every question about one picture, which the server then
                has in its cache. Empty asks without one.
            slot: below ``slots``; questions about one picture belong on one.
            on_text: gets each piece of the answer as it comes; what it raises ends the request.

        Raises:
            RefusedRequestError, LostRequestError, UnavailableError: see there.
        """

    @abstractmethod
    def models(self) -> list[str]:
        """Return the names of the models that the server has.

        Raises:
            LostRequestError, UnavailableError: it does not say.
        """

    @property
    def condition(self) -> str | None:
        """What keeps it from answering just now, for a person; None when nothing does."""
        return None

    @abstractmethod
    def picture_size(self) -> int | tuple[int, int]:
        """Return what pictures are scaled to: exactly (width, height), or a longest edge, in pixels."""

    @abstractmethod
    def close(self) -> None:
        """End what was started here; requests under way fail."""
