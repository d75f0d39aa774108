"""Every kind of work that a worker can do, and loading the models of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dtk_tui.domain.job import Kind
from dtk_tui.errors import ModelError
from dtk_tui.inference.devices.provider import Device
from dtk_tui.services.worker.handlers.base import JobHandler, Resources
from dtk_tui.services.worker.handlers.caption import CaptionHandler
from dtk_tui.services.worker.handlers.embed import EmbedHandler
from dtk_tui.services.worker.handlers.tag import TagHandler

HANDLERS: tuple[type[JobHandler], ...] = (TagHandler, EmbedHandler, CaptionHandler)


def load_handlers(
    resources: Resources, devices: Sequence[Device]
) -> tuple[list[dict[Kind, JobHandler]], dict[Kind, ModelError]]:
    """Load what this machine can do, and say what is missing for the rest.

    Args:
        devices: each gets a handler of its own of every kind that runs on devices.

    Returns:
        Handlers by kind for each device, the first with those of all other lanes; and one error a missing kind.
    """
    loaded: list[dict[Kind, JobHandler]] = []
    missing: dict[Kind, ModelError] = {}
    for number, device in enumerate(devices):
        handlers: dict[Kind, JobHandler] = {}
        for handler in HANDLERS:
            if number and handler.lane.threads is not None:
                continue
            try:
                handlers[handler.kind] = handler.open(replace(resources, device=device))
            except ModelError as error:
                missing[handler.kind] = error
        loaded.append(handlers)
    for handlers in loaded:
        for kind in missing.keys() & handlers.keys():
            handlers.pop(kind).close()  # it fits on some devices only: every device takes what comes
    return loaded, missing
