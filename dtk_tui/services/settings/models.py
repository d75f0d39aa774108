"""Whether the models that settings name are known, and are of the kind that belongs there."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from dtk_tui.config import AppPaths
from dtk_tui.text import one_line

_ROLES = {
    "text_embedder": "text-embedder",
    "text_embedders": "text-embedder",
    "image_embedder": "image-embedder",
    "image_embedders": "image-embedder",
    "taggers": "tagger",
}
_NAME_LIMIT, _REASON_LIMIT = 100, 300


def model_faults(raw: Mapping[str, Any], paths: AppPaths) -> dict[str, str]:
    """Return the settings that name a model which cannot do the work, each with a sentence that says which can.

    Args:
        raw: all settings as config.toml has them; what is no name of a model is left to those who check its type.
        paths: where the models folder is, if the settings do not say it.

    Raises:
        ModelError: the manifest of the program itself cannot be read.
    """
    section = raw.get("models")
    named = {key: _names(section.get(key)) for key in _ROLES} if isinstance(section, Mapping) else {}
    if not any(named.values()):
        return {}
    from dtk_tui.inference.manifest import load_manifest

    place = AppPaths(dict(paths.environ))
    folder = section.get("folder") if isinstance(section, Mapping) else None
    place.use_models(folder if isinstance(folder, str) and folder else None)
    manifest = load_manifest(place.models)
    roles = {spec.name: spec.role for spec in manifest.models}
    found = {}
    for key, names in named.items():
        wanted = _ROLES[key]
        for name in names:
            shown = one_line(name, _NAME_LIMIT)
            if name in manifest.broken:
                found[f"models.{key}"] = one_line(str(manifest.broken[name]), _REASON_LIMIT)
            elif name not in roles:
                close = get_close_matches(name, [known for known, role in roles.items() if role == wanted], 3, 0.5)
                hint = f"did you mean {', '.join(close)}?" if close else "dtk models list shows those that are known"
                found[f"models.{key}"] = f"there is no model {shown}; {hint}"
            elif roles[name] != wanted:
                found[f"models.{key}"] = f"{shown} is of the kind {roles[name]}; one of the kind {wanted} belongs here"
    return found


def _names(value: Any) -> list[str]:
    listed = value if isinstance(value, list) else [value]
    return [name for name in listed if isinstance(name, str) and name]
