"""A llama.cpp server that is started here as a captioner: when it is first asked, one a GPU, again when it crashed."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from dtk_tui.errors import ModelError
from dtk_tui.inference.captioner import gguf
from dtk_tui.inference.captioner.base import (
    Answer,
    Captioner,
    LostRequestError,
    Question,
    RefusedRequestError,
    ServerDiedError,
    UnavailableError,
)
from dtk_tui.inference.captioner.chat_client import ChatClient
from dtk_tui.inference.captioner.llama_process import PACKAGES, LlamaProcess
from dtk_tui.inference.devices.provider import gpu_report
from dtk_tui.settings import CaptionSettings

_ALIAS = "joycaption"
#: The package that works on one request at a time.
_ONE_BY_ONE = "llama-cpp-python"
_INSTALL = {
    "xllamacpp": "Install it with pip; it has wheels for Linux and macOS.",
    "llama-cpp-python": "Install it with: pip install 'dtk-tui[llama-cpp-python]' (it is compiled, some ten minutes).",
}
#: MiB of prompts that the server keeps beside its slots; without them it forgets a picture when another one comes.
_CACHE_MB = 64
_LONGEST_EDGE = 1024
#: Projectors of LLaVA's kind see every picture in one size; others take it as it is.
_ONE_SIZE = ("mlp", "mlp_norm", "ldp", "ldpv2")
_DYING_S = 1.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0
_SIZE_KEYS = ("clip.vision.image_size", "clip.projector_type", "clip.has_vision_encoder")
_CACHE_KEYS = ("block_count", "embedding_length", "attention.head_count", "attention.head_count_kv")


class LlamaCaptioner(Captioner):
    """One server, or one for each GPU that the config names; safe to use from several threads.

    Args:
        log: file for what the server says; of several each has its number in the name.

    Raises:
        ModelError: the config does not name what is needed, or a file is none of its kind.
    """

    def __init__(self, settings: CaptionSettings, log: Path) -> None:
        model, projector = _file(settings.model, "model"), _file(settings.projector, "projector")
        keys = gguf.read_keys(projector, _SIZE_KEYS)
        if not keys.get("clip.has_vision_encoder"):
            raise ModelError(f"{projector} is no projector for pictures.", "It is the file with mmproj in its name.")
        gguf.read_keys(model, ("general.architecture",))
        self._size: int | tuple[int, int] = settings.image_size or _LONGEST_EDGE
        edge = keys.get("clip.vision.image_size")
        if keys.get("clip.projector_type", "mlp") in _ONE_SIZE and isinstance(edge, int) and 0 < edge <= 8192:
            self._size = (edge, edge)
        self.model = model.stem
        self._files = (model, projector)
        self._settings = settings
        self._program = _program(settings)
        numbers: tuple[int | None, ...] = settings.devices or (None,)
        self._slots = 1 if self._program == _ONE_BY_ONE else settings.slots
        self.slots = self._slots * len(numbers)
        self._servers = [
            _Server(self._start_process, number, log if place == 0 else log.with_stem(f"{log.stem}-{place}"), settings)
            for place, number in enumerate(numbers)
        ]

    def open(self) -> None:
        """Start every server, and wait until it has its model."""
        for server in self._servers:
            server.client()

    def ask(
        self,
        picture: bytes,
        question: Question,
        *,
        slot: int | None = None,
        on_text: Callable[[str], None] | None = None,
    ) -> Answer:
        """Ask the server of a slot, which is started if it does not run."""
        number = slot or 0
        server = self._servers[number % len(self._servers)]
        return server.ask(picture, question, number // len(self._servers), on_text)

    def models(self) -> list[str]:
        """Return the one model, as the server names it."""
        return [str(model["id"]) for model in self._servers[0].client().models()]

    @property
    def condition(self) -> str | None:
        """Say for how long a server has been loading its model."""
        since = [server.loading_since for server in self._servers]
        times = [time.monotonic() - begin for begin in since if begin is not None]
        return f"The captioner's server is loading its model ({max(times):.0f} s so far)." if times else None

    @property
    def pids(self) -> list[int]:
        """Process ids of the servers that run."""
        return [pid for server in self._servers if (pid := server.pid) is not None]

    def picture_size(self) -> int | tuple[int, int]:
        """Return the size that the projector sees."""
        return self._size

    def close(self) -> None:
        """End the servers."""
        for server in self._servers:
            server.close()

    def _start_process(self, device: int | None, log: Path) -> LlamaProcess:
        settings, (model, projector) = self._settings, self._files
        self._check_memory(device)
        flags = ["-m", str(model), "--mmproj", str(projector), "-a", _ALIAS, "--cache-ram", str(_CACHE_MB)]
        flags += ["-c", str(settings.context * self._slots), "-np", str(self._slots)]
        if settings.gpu_layers is not None:
            flags += ["-ngl", str(settings.gpu_layers)]
        return LlamaProcess(self._program, flags, device=device, log=log, timeout_s=settings.timeout_s)

    def _check_memory(self, device: int | None) -> None:
        """Refuse to start what would push others out of memory."""
        needed = sum(file.stat().st_size for file in self._files) + self._cache_bytes()
        gpus = gpu_report()
        if gpus and self._settings.gpu_layers != 0:
            if self._settings.gpu_layers is None:
                return  # llama.cpp takes as many layers there as fit, and leaves a margin
            wanted = gpus if device is None else gpus[device : device + 1]
            free = int(sum(_free_bytes(gpu) for gpu in wanted))
            place = "the GPU"
        else:
            available = _available_bytes()
            if available is None:
                return
            free, place = available, "this machine"
        if needed > free:
            raise UnavailableError(
                f"The captioner needs {needed / 2**30:.1f} GB, and {place} has {free / 2**30:.1f} GB left.",
                "Lower slots or context in [captions], take a smaller model, or stop other programs.",
            )

    def _cache_bytes(self) -> int:
        """Return the size of the keys and values of all slots, in half precision."""
        model = self._files[0]
        name = gguf.read_keys(model, ("general.architecture",)).get("general.architecture", "")
        keys = gguf.read_keys(model, [f"{name}.{key}" for key in _CACHE_KEYS])
        blocks, width, heads, pairs = (keys.get(f"{name}.{key}") for key in _CACHE_KEYS)
        if not all(isinstance(value, int) and value > 0 for value in (blocks, width, heads)):
            return 0
        each = int(width) // int(heads) * int(pairs if isinstance(pairs, int) else heads)  # type: ignore[arg-type]
        return 2 * 2 * int(blocks) * each * self._settings.context * self._slots  # type: ignore[arg-type]


class _Server:
    """One server with its process, its client, and how often it crashed."""

    def __init__(
        self,
        start: Callable[[int | None, Path], LlamaProcess],
        device: int | None,
        log: Path,
        settings: CaptionSettings,
    ) -> None:
        self._make = start
        self._device = device
        self._log = log
        self._settings = settings
        self._lock = threading.Lock()
        self._process: LlamaProcess | None = None
        self._client: ChatClient | None = None
        self._is_closed = False
        self._pause_s = 0.0
        self._not_before = 0.0

    @property
    def loading_since(self) -> float | None:
        """When it began to load its model; None while it does not."""
        process = self._process
        return None if process is None else process.loading_since

    @property
    def pid(self) -> int | None:
        """Of the process that runs."""
        return None if self._process is None else self._process.pid

    def client(self) -> ChatClient:
        """Return a client of the running server, which is started where there is none."""
        with self._lock:
            if self._process is not None and self._client is not None and self._process.is_alive:
                return self._client
            if self._is_closed:
                raise UnavailableError("The captioner was stopped.", retry_after_s=_FIRST_PAUSE_S)
            wait_s = self._not_before - time.monotonic()
            if wait_s > 0:
                words = "" if self._process is None else self._process.last_words()
                raise UnavailableError(
                    "The captioner's server ended and is started again.", words, retry_after_s=wait_s
                )
            self._end()
            self._process = self._make(self._device, self._log)
            try:
                self._process.start()
            except UnavailableError:
                self._rest()
                raise
            self._client = ChatClient(
                f"{self._process.url}/v1",
                self._process.key,
                timeout_s=self._settings.timeout_s,
                connections=self._settings.slots,
            )
            return self._client

    def ask(self, picture: bytes, question: Question, slot: int, on_text: Callable[[str], None] | None) -> Answer:
        """Ask it; tell a crash apart from an answer that did not come."""
        client = self.client()
        process = self._process
        try:
            answer = client.ask(_ALIAS, picture, question, slot=slot, on_text=on_text)
        except RefusedRequestError:
            self._pause_s = 0.0
            raise
        except (LostRequestError, UnavailableError) as error:
            if process is None or self._is_closed or not process.has_died(_DYING_S):
                raise
            with self._lock:
                if self._process is process and self._client is client:
                    self._client = None
                    self._rest()
                wait_s = max(0.0, self._not_before - time.monotonic())
            raise ServerDiedError(
                "The captioner's server ended while it worked.", process.last_words(), retry_after_s=wait_s
            ) from error
        self._pause_s = 0.0
        return answer

    def _rest(self) -> None:
        """Wait longer each time before the next start."""
        self._pause_s = min(max(2 * self._pause_s, _FIRST_PAUSE_S), _LONGEST_PAUSE_S)
        self._not_before = time.monotonic() + self._pause_s

    def _end(self) -> None:
        client, self._client = self._client, None
        process, self._process = self._process, None
        if client is not None:
            client.close()
        if process is not None:
            process.stop()

    def close(self) -> None:
        """End it, also while it loads its model."""
        self._is_closed = True
        process = self._process
        if process is not None:
            process.stop()
        with self._lock:
            self._end()


def _file(name: str | None, setting: str) -> Path:
    if not name:
        raise ModelError(
            f"No {setting} for captions is named.", f"Set {setting} in [captions] of config.toml to a GGUF file."
        )
    path = Path(name).expanduser()
    if not path.is_file():
        raise ModelError(f"The {setting} {path} is not there.", f"Correct {setting} in [captions] of config.toml.")
    return path


def _program(settings: CaptionSettings) -> str:
    """Return the llama-server to run: of the config, or on PATH; else the package that serves in its place.

    Raises:
        ModelError: there is none of them.
    """
    if settings.server in PACKAGES:
        if find_spec(PACKAGES[settings.server]) is None:
            raise ModelError(f"The package {settings.server} is not installed.", _INSTALL[settings.server])
        return settings.server
    if settings.server:
        found = shutil.which(str(Path(settings.server).expanduser()))
        if found is None:
            raise ModelError(
                f"{settings.server} is no program that can be run.", "Correct server in [captions] of config.toml."
            )
        return found
    installed = (name for name, module in PACKAGES.items() if find_spec(module) is not None)
    found = shutil.which("llama-server") or next(installed, None)
    if found is None:
        raise ModelError(
            "There is no llama.cpp server on this machine.",
            "Install llama-server (brew, conda-forge, or a release of llama.cpp) and name it as server in [captions],"
            " or pip install 'dtk-tui[llama-cpp-python]', which compiles one.",
        )
    return found


def _free_bytes(gpu: dict[str, Any]) -> float:
    total, used = gpu.get("memory_total_gb"), gpu.get("memory_used_gb")
    return (total - used) * 2**30 if isinstance(total, float) and isinstance(used, float) else float("inf")


def _available_bytes() -> int | None:
    """Return the memory that programs may still take, as Linux says it; None elsewhere."""
    try:
        with open("/proc/meminfo", encoding="ascii") as source:
            for line in source:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return None
