"""config.toml as a whole: the text that a person edits, and putting another in its place."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

from dtk_tui.atomic_file import write_whole
from dtk_tui.config import AppPaths
from dtk_tui.errors import DtkError, os_reason
from dtk_tui.services.settings.models import model_faults
from dtk_tui.settings import faults
from dtk_tui.shipped import shipped


def text_to_edit(file: Path) -> str:
    """Return what stands in the file; without one, every setting with its default, as comments.

    Raises:
        DtkError: it cannot be read as text.
    """
    try:
        return file.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return _as_comments(shipped("config.toml").read_text(encoding="utf-8"))
    except OSError as error:
        raise DtkError(f"The config file {file} cannot be read.", f"{error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise DtkError(f"The config file {file} cannot be read.", "It is not UTF-8. Save it anew as text.") from error


def keep_beside(file: Path, text: str) -> Path:
    """Write a text that cannot be used beside the file, for its owner alone, and return where; raises OSError."""
    kept = file.with_name(f"{file.name}.edited")
    kept.parent.mkdir(parents=True, exist_ok=True)
    write_whole(kept, text.encode("utf-8"))
    return kept


def _as_comments(text: str) -> str:
    lines = [line if not line or line[0] in "#[" else f"# {line}" for line in text.splitlines()]
    return "\n".join("# ]" if line == "]" else line for line in lines) + "\n"


def replace_text(paths: AppPaths, text: str) -> None:
    """Put a text in the place of config.toml, in one step; a link stays one.

    Raises:
        DtkError: it is no TOML, or a setting cannot be used; says which. Or it cannot be written.
    """
    try:
        raw = tomllib.loads(text.removeprefix("\ufeff"))
        wrong = model_faults(raw, paths) | faults(raw)
    except (ValueError, RecursionError) as error:
        raise DtkError("This is not valid TOML.", f"{str(error)[:300]}.") from error
    if wrong:
        told = "\n".join(f"{key}: {sentence}" for key, sentence in wrong.items())
        raise DtkError("Some settings cannot be used.", told)
    target = Path(os.path.realpath(paths.config_file))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o600
        write_whole(target, text.encode("utf-8"), mode)
    except OSError as error:
        raise DtkError(f"{paths.config_file} cannot be written.", os_reason(error)) from error
