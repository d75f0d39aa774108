"""The places where a library lives, and its settings.

``DTK_HOME`` puts everything of a library into one folder; ``DTK_MODELS`` names the models folder;
``DTK_DATABASE_URL`` names a server. Without them the XDG places are used. ``DTK_SECTION__KEY`` goes before a setting of
config.toml.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from dtk_tui.setting_sources import given, read_settings
from dtk_tui.settings import WINDOWS_PATH, Settings

#: How the connection string of a database of Diffusion Toolkit begins; an absolute path follows.
_SQLITE = "sqlite://"
#: The folder of thumbnails; scans leave out each of this name, whichever library made it.
THUMBNAILS = ".dtk-thumbnails"
_PACKAGE = Path(__file__).resolve().parent


def _home() -> Path:
    """Return the user's folder by the system's list of users, for an environment that does not say."""
    import pwd

    return Path(pwd.getpwuid(os.getuid()).pw_dir)


class AppPaths:
    """Where the files of one library are."""

    def __init__(self, environ: dict[str, str] | None = None) -> None:
        self._environ = dict(os.environ) if environ is None else environ
        self._models: str | None = None

    @property
    def environ(self) -> Mapping[str, str]:
        """The environment that these places come from."""
        return self._environ

    def use_models(self, folder: str | None) -> None:
        """Take over ``[models] folder`` of the config."""
        self._models = folder

    def _xdg(self, variable: str, default: str) -> Path:
        value = self._environ.get(variable, "")
        user = self._environ.get("HOME", "")
        base = Path(value) if value.startswith("/") else (Path(user) if user.startswith("/") else _home()) / default
        return base / "dtk-tui"

    @cached_property
    def home(self) -> Path | None:
        """The one folder of this library (``DTK_HOME``), or None for the XDG places."""
        value = self._environ.get("DTK_HOME", "")
        return Path(value).expanduser().absolute() if value else None

    @property
    def config_file(self) -> Path:
        """config.toml."""
        return (self.home or self._xdg("XDG_CONFIG_HOME", ".config")) / "config.toml"

    @property
    def data(self) -> Path:
        """What must not be lost: the embedded database."""
        return self.home or self._xdg("XDG_DATA_HOME", ".local/share")

    @property
    def database(self) -> Path:
        """The data folder of the embedded PostgreSQL."""
        return self.data / "postgres"

    @property
    def state(self) -> Path:
        """Logs and what can be made again."""
        return self.home or self._xdg("XDG_STATE_HOME", ".local/state")

    @property
    def log_file(self) -> Path:
        """The program's own log."""
        return self.state / "logs" / "dtk.log"

    @property
    def hooks_log(self) -> Path:
        """What the commands of ``[hooks]`` printed."""
        return self.log_file.with_name("hooks.log")

    @property
    def cache(self) -> Path:
        """What can be made again: thumbnails, copies of databases that are looked at."""
        return (self.home / "cache") if self.home else self._xdg("XDG_CACHE_HOME", ".cache")

    @property
    def thumbnails(self) -> Path:
        """Thumbnails, in a folder whose name no scan looks into."""
        return self.cache / THUMBNAILS

    @property
    def models(self) -> Path:
        """Model files: ``DTK_MODELS``, else the config's, else models/ of a checkout, else the data folder."""
        value = self._environ.get("DTK_MODELS") or self._models
        if value:
            return Path(value).expanduser().absolute()
        checkout = _PACKAGE.parent / "models"
        if (checkout / "manifest.toml").is_file() and (_PACKAGE.parent / "pyproject.toml").is_file():
            return checkout
        return self._xdg("XDG_DATA_HOME", ".local/share") / "models"

    @property
    def database_url(self) -> str | None:
        """The connection string of the command line or the environment, which goes before that of config.toml."""
        return next((one.text for one in reversed(given(self._environ)) if one.key == "database.url"), None)


class Config:
    """Settings and places together.

    Args:
        read: the tables that the settings were made of; None where no config.toml was read.
    """

    def __init__(self, paths: AppPaths, settings: Settings, read: Mapping[str, Any] | None = None) -> None:
        self.paths = paths
        self.settings = settings
        self._read = read
        self._stamp: tuple[int, ...] | None = None
        paths.use_models(settings.models.folder)

    def reload(self) -> bool:
        """Read config.toml anew, where it was written since the last call, and return whether it says something else.

        Whoever asks ``settings`` each time has the new ones from now on; who asked once keeps the old ones.

        Raises:
            DtkError: as ``load``; then all stays as it was.
        """
        stamp = _stamp(self.paths.config_file)
        if self._read is None or stamp == self._stamp:
            return False
        self._stamp = stamp
        settings, read = read_settings(self.paths.config_file, self.paths.environ)
        if read == self._read:
            return False
        self.settings, self._read = settings, read
        self.paths.use_models(settings.models.folder)
        return True

    @property
    def database_url(self) -> str | None:
        """The connection string of the server to use, or None for an embedded one."""
        return None if self.followed_file is not None else self.paths.database_url or self.settings.database.url

    @property
    def followed_file(self) -> Path | None:
        """The Diffusion Toolkit database that is only looked at (``sqlite:///path``), or None for a library."""
        url = self.paths.database_url or self.settings.database.url or ""
        if not url.startswith(_SQLITE):
            return None
        path = "/" + url.removeprefix(_SQLITE).lstrip("/")
        return Path(path if os.path.lexists(path) else unquote(path))

    def library_path(self, path: str) -> str:
        """Return what the library calls a file that this host sees as ``path``: ``local_path`` the other way round."""
        return _mapped(path, {here: there for there, here in self.settings.paths.map.items()})

    def local_path(self, path: str) -> str:
        """Return where this host sees a file that the library knows as ``path``: the longest mapped folder counts."""
        return _mapped(path, self.settings.paths.map)


def _stamp(file: Path) -> tuple[int, ...]:
    """Return what is another when a file is written; empty where there is none."""
    try:
        status = file.stat()
    except OSError:
        return ()
    return status.st_mtime_ns, status.st_size, status.st_ino


def _mapped(path: str, folders: Mapping[str, str]) -> str:
    """Return ``path`` with the longest of the folders that it lies in replaced by what that one stands for."""
    best, below = "", ""
    for folder in folders:
        rest = _below(path, folder)
        if rest is not None and len(folder) > len(best):
            best, below = folder, rest
    if not best:
        return path
    target = folders[best]
    windows = WINDOWS_PATH.match(target) is not None
    return target.rstrip("/\\") + (below.replace("/", "\\") if windows else below) or "/"


def _below(path: str, folder: str) -> str | None:
    """Return the rest of a path in a folder, with a slash before each part, or None when it lies elsewhere."""
    if WINDOWS_PATH.match(folder):
        whole, rest = folder.rstrip("/\\"), path.replace("\\", "/")
        inside = rest.lower().startswith(whole.replace("\\", "/").lower())
    else:
        whole, rest = folder.rstrip("/"), path
        inside = rest.startswith(whole)
    rest = rest[len(whole) :]
    return rest if inside and (not rest or rest.startswith("/")) else None


def load(environ: dict[str, str] | None = None) -> Config:
    """Read config.toml, if there is one; raises as ``read_settings``."""
    paths = AppPaths(environ)
    return Config(paths, *read_settings(paths.config_file, paths.environ))
