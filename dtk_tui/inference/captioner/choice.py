"""The captioner that the config names."""

from __future__ import annotations

from dtk_tui.config import Config
from dtk_tui.errors import ModelError
from dtk_tui.inference.captioner.base import Captioner
from dtk_tui.inference.captioner.llama_server import LlamaCaptioner
from dtk_tui.inference.captioner.openai_api import OpenAICaptioner
from dtk_tui.inference.captioner.prompts import find_type, unknown_places


def captioner(config: Config) -> Captioner:
    """Return the captioner of the config; nothing is started yet.

    Raises:
        ModelError: the config is not enough for one, or names what is not there.
    """
    settings = config.settings.captions
    if settings.backend == "openai":
        return OpenAICaptioner(settings)
    return LlamaCaptioner(settings, config.paths.log_file.with_name("captioner.log"))


def check_settings(config: Config) -> None:
    """Refuse a type that is unknown and placeholders that stand for nothing.

    Raises:
        UsageError, ModelError: there is one.
    """
    settings = config.settings.captions
    find_type(settings, settings.type)
    for name, text in settings.templates.items():
        if wrong := unknown_places(text):
            raise ModelError(
                f"The template {name!r} in [captions] has {wrong[0]}, which stands for nothing.",
                "See dtk guide captions for what there is.",
            )
