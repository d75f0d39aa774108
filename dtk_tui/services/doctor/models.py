"""The models that the config names, and the captioner."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from dtk_tui.config import Config
from dtk_tui.errors import DtkError
from dtk_tui.services.doctor.finding import Finding, Verdict
from dtk_tui.text import counted, one_line, without_user

if TYPE_CHECKING:
    from dtk_tui.inference.model_spec import ModelSpec

#: An endpoint that has not named its models by then counts as one that does not answer, in seconds.
_ANSWER_S = 5.0
_SHOWN_MODELS = 3


def models(config: Config) -> Iterator[Finding]:
    """Look whether each model is there, with its text tower, and the one that was published."""
    from dtk_tui.inference.manifest import load_manifest
    from dtk_tui.inference.model_files import is_installed

    wanted = list(config.settings.models.in_use)
    manifest = load_manifest(config.paths.models)
    joint = [spec for name, spec in manifest.joint.items() if (name, "image-embedder") in wanted]
    towers = [(str(spec.text_tower), "text-embedder") for spec in joint]
    for name, role in dict.fromkeys([*wanted, *towers]):
        try:
            spec = manifest.get(name)
        except DtkError as error:
            yield Finding("model", Verdict.FAULT, f"{name}: {error.title}", error.detail)
            continue
        if spec.role != role:
            advice = "Correct [models] in config.toml."
            yield Finding("model", Verdict.FAULT, f"{name} is no {role}, but one of the kind {spec.role}", advice)
        elif is_installed(spec, config.paths.models):
            yield model_files(spec, config.paths.models)
        else:
            yield Finding("model", Verdict.FAULT, f"{name} is not here", f"Get it with: dtk models pull {name}")


def model_files(spec: ModelSpec, folder: Path) -> Finding:
    """Read the files of a model that have changed since they were found right."""
    from dtk_tui.inference.model_files import require_verified

    try:
        require_verified(spec, folder)
    except DtkError as error:
        return Finding("model", Verdict.FAULT, f"{spec.name}: {error.title}", error.detail)
    return Finding("model", Verdict.OK, f"{spec.name} is here and verified")


def captioner_of(config: Config) -> Finding:
    """Look whether the captioner can be started, or its endpoint answers; no model is loaded for that."""
    from dtk_tui.inference.captioner.choice import captioner, check_settings

    settings = config.settings.captions
    if settings.model is None and settings.base_url is None:
        advice = "To caption, name a model in [captions] of config.toml: dtk guide captions"
        return Finding("captioner", Verdict.NOTE, "none is named: nothing is captioned", advice)
    hasty = replace(config.settings, captions=replace(settings, timeout_s=_ANSWER_S))
    try:
        check_settings(config)
        asked = captioner(Config(config.paths, hasty))
        try:
            if settings.backend == "llama":
                detail = f"{asked.model} can be loaded by llama.cpp, {counted(asked.slots, 'slot')}"
                return Finding("captioner", Verdict.OK, detail)
            names = asked.models()
        finally:
            asked.close()
    except DtkError as error:
        return Finding("captioner", Verdict.FAULT, error.title, error.detail or "Test it with: dtk caption test")
    detail = f"{without_user(settings.base_url or '')} answers"
    if names and asked.model not in names:
        has = ", ".join(one_line(name, 60) for name in names[:_SHOWN_MODELS])
        advice = f"Correct model in [captions] of config.toml; among its models are: {has}"
        return Finding("captioner", Verdict.FAULT, f"{detail}, and has no model {asked.model}", advice)
    return Finding("captioner", Verdict.OK, f"{detail}, and has {asked.model}" if names else detail)
