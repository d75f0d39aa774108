"""Any OpenAI-compatible endpoint as a captioner: LM Studio, Ollama, vLLM, another host's llama.cpp."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable

from dtk_tui.errors import ModelError
from dtk_tui.inference.captioner.base import Answer, Captioner, Question, UnavailableError
from dtk_tui.inference.captioner.chat_client import ChatClient
from dtk_tui.settings import CaptionSettings

_COMMAND_S = 60.0
#: What most models with vision scale larger pictures down to.
_LONGEST_EDGE = 1024


class OpenAICaptioner(Captioner):
    """An endpoint that others run.

    Raises:
        ModelError: the config does not say which endpoint, or which model.
    """

    def __init__(self, settings: CaptionSettings) -> None:
        if not settings.base_url:
            raise ModelError("No endpoint for captions is named.", "Set base_url in [captions] of config.toml.")
        if not settings.model:
            raise ModelError(
                "No model for captions is named.", "Set model in [captions] of config.toml; see dtk caption test."
            )
        self.model = settings.model
        self.slots = settings.slots
        self._settings = settings
        self._url = settings.base_url
        self._lock = threading.Lock()
        self._client: ChatClient | None = None
        self._is_closed = False

    def open(self) -> None:
        """Get the key."""
        self._opened()

    def _opened(self) -> ChatClient:
        with self._lock:
            if self._is_closed:
                raise UnavailableError("The captioner was stopped.", retry_after_s=1.0)
            if self._client is None:
                settings = self._settings
                self._client = ChatClient(
                    self._url, key_of(settings), timeout_s=settings.timeout_s, connections=self.slots
                )
            return self._client

    def ask(
        self,
        picture: bytes,
        question: Question,
        *,
        slot: int | None = None,
        on_text: Callable[[str], None] | None = None,
    ) -> Answer:
        """Ask the endpoint; which of its slots answers is its own business."""
        client = self._opened()
        try:
            return client.ask(self.model, picture, question, on_text=on_text)
        except UnavailableError as error:
            if error.retry_after_s is None:
                self._forget(client)  # the key may be another one when it is asked for again
            raise

    def models(self) -> list[str]:
        """Return the ids of the endpoint's models."""
        return [str(model["id"]) for model in self._opened().models()]

    def picture_size(self) -> int:
        """Return the longest edge."""
        return self._settings.image_size or _LONGEST_EDGE

    def _forget(self, client: ChatClient) -> None:
        with self._lock:
            if self._client is client:
                self._client = None

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            self._is_closed = True
            client, self._client = self._client, None
        if client is not None:
            client.close()


def key_of(settings: CaptionSettings) -> str:
    """Return the key of the endpoint, from the environment or a command; empty when none is named.

    Raises:
        UnavailableError: it is named, and not to be had.
    """
    if settings.key_env:
        key = os.environ.get(settings.key_env, "").strip()
        if not key:
            raise UnavailableError(
                f"The key of the endpoint is not in the environment variable {settings.key_env}.",
                "Set it before dtk is started, or correct key_env in [captions].",
            )
        return _usable(key)
    if not settings.key_command:
        return ""
    try:
        done = subprocess.run(
            ["/bin/sh", "-c", settings.key_command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_COMMAND_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnavailableError("The key_command of [captions] did not end, or cannot be run.", str(error)) from error
    lines = done.stdout.decode("utf-8", "replace").strip().splitlines()
    if done.returncode or not lines:
        words = " ".join(done.stderr.decode("utf-8", "replace").split())[:300]
        raise UnavailableError(
            f"The key_command of [captions] gives no key (status {done.returncode}).", words or "It says nothing."
        )
    return _usable(lines[0].strip())


def _usable(key: str) -> str:
    if not (key.isascii() and key.isprintable()):
        raise UnavailableError("The key of the endpoint has signs that no key has.", "Check key_env or key_command.")
    return key
