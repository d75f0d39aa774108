"""A file for somebody who is asked for help: versions, settings, findings, numbers and logs, and no secrets."""

from __future__ import annotations

import io
import json
import os
import platform
import re
import sys
import zipfile
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from dtk_tui.atomic_file import write_whole
from dtk_tui.config import Config
from dtk_tui.errors import DtkError, os_reason
from dtk_tui.log_file import log_files

_LOG_BYTES = 500_000
_HIDDEN = "***"
#: A value that is shorter would take its letters out of every word.
_LEAST = 4
#: An argument of a hook that is shorter is an option rather than the address of a webhook.
_LEAST_ARGUMENT = 12
_SECRET_NAME = re.compile(r"PASS(WORD|WD|PHRASE)?$|SECRET|TOKEN|(^|_|API)KEY$|CREDENTIAL", re.IGNORECASE)
_IN_ADDRESS = re.compile(r"(://[^\s:/@\"']*:)([^\s@/\"']+)(?=@)")
_NAMED = re.compile(
    r"(?i)((?:password|passwd|passphrase|secret|token|api[_-]?key|authorization)[\"']?\s*[=:]\s*[\"']?(?:bearer\s+|basic\s+)?)"
    r"(?!\*)([^\s\"',;&}]+)"
)
_ABOUT = """\
What dtk doctor --bundle gathered: findings.json, settings.json, versions.json, status.json, and the ends of the logs.
Passwords and keys that dtk knows of, or that look like such, were replaced by ***. Paths of folders are in it, and no
prompts, captions or pictures. Look through it before you pass it on.
"""


def write_bundle(config: Config, target: Path, parts: Mapping[str, Any]) -> int:
    """Write the file (mode 0600) and return its size in bytes.

    Args:
        target: a new file.
        parts: what else belongs in it, as JSON by the name of the part.

    Raises:
        DtkError: there is such a file already, or it cannot be written.
    """
    if target.exists() or target.is_symlink():
        raise DtkError(f"{target} exists already.", "Name a file that does not exist.")
    secrets = sorted(set(_secrets(config)), key=len, reverse=True)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", _ABOUT)
        for name, value in {"versions": _versions(), **parts}.items():
            plain = json.loads(json.dumps(value, default=str))
            archive.writestr(f"{name}.json", json.dumps(_without_secrets(plain, secrets), indent=1))
        server_log = config.paths.database.with_name("postgres.log")
        logs = (config.paths.log_file, config.paths.hooks_log, server_log)
        for file in (file for log in logs for file in log_files(log)):
            archive.writestr(f"logs/{file.name}", _redacted(_end_of(file), secrets))
    try:
        write_whole(target, packed.getvalue())
    except OSError as error:
        raise DtkError(f"{target} cannot be written.", os_reason(error)) from error
    return len(packed.getvalue())


def _versions() -> dict[str, Any]:
    packages = {one.metadata["Name"]: one.version for one in metadata.distributions() if one.metadata["Name"]}
    return {
        "python": sys.version,
        "platform": platform.platform(),
        "processors": os.cpu_count(),
        "packages": dict(sorted(packages.items(), key=lambda one: one[0].lower())),
    }


def _end_of(file: Path) -> str:
    with file.open("rb") as opened:
        opened.seek(max(0, file.stat().st_size - _LOG_BYTES))
        return opened.read(_LOG_BYTES).decode(errors="replace")


def _without_secrets(value: Any, secrets: list[str]) -> Any:
    """Return a value of JSON in which texts are redacted, and nothing else is touched."""
    if isinstance(value, dict):
        return {
            _redacted(key, secrets): _HIDDEN
            if isinstance(inner, str) and inner and _SECRET_NAME.search(key)
            else _without_secrets(inner, secrets)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_without_secrets(inner, secrets) for inner in value]
    return _redacted(value, secrets) if isinstance(value, str) else value


def _redacted(text: str, secrets: list[str]) -> str:
    for secret in secrets:
        # As it is, and as JSON writes it.
        for written in {secret, json.dumps(secret)[1:-1]}:
            text = text.replace(written, _HIDDEN)
    return _NAMED.sub(rf"\1{_HIDDEN}", _IN_ADDRESS.sub(rf"\1{_HIDDEN}", text))


def _secrets(config: Config) -> Iterator[str]:
    """Yield what must not be told: of the environment, of connection strings, of commands that print passwords."""
    settings = config.settings
    found = [value for name, value in os.environ.items() if _SECRET_NAME.search(name)]
    found += [os.environ.get(settings.captions.key_env or "", "")]
    found += [settings.captions.key_command or "", settings.database.password_command or ""]
    hooks = (*(settings.hooks.work_ended or ())[1:], *(settings.hooks.often_failed or ())[1:])
    found += [argument for argument in hooks if len(argument) >= _LEAST_ARGUMENT]
    for address in (config.database_url, settings.database.url, settings.captions.base_url):
        for password in re.findall(r"://[^:/@]*:([^@]+)@|(?:^|\s|[?&])password\s*=\s*'?([^\s'&]+)", address or ""):
            found += [part for one in password for part in (one, unquote(one))]
    passwords = Path(os.environ.get("PGPASSFILE") or Path.home() / ".pgpass")
    if passwords.is_file():
        found += [line.rpartition(":")[2] for line in passwords.read_text(errors="replace").splitlines()]
    yield from (value for value in found if len(value) >= _LEAST)
