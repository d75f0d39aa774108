"""Everything that is looked at, in its order."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

from dtk_tui import __version__
from dtk_tui.config import Config
from dtk_tui.services.doctor import devices, library, limits, models, storage, terminal
from dtk_tui.services.doctor.finding import Finding, Verdict
from dtk_tui.store.database import Database


def examine(config: Config, open_database: Callable[[Config], Database]) -> Iterator[Finding]:
    """Look at Python, the disks, the config, the database and its queue, the models, the devices, and the terminal.

    Args:
        open_database: opens the library; what it raises is a finding.
    """
    yield Finding("python", Verdict.OK, f"{sys.version.split()[0]}, dtk-tui {__version__}")
    yield from storage.disks(config)
    yield from storage.password(config)
    looked = library.LibraryFindings(config, open_database)
    yield from looked.findings()
    yield from limits.limits(config, folders=looked.folders)
    yield from models.models(config)
    yield models.captioner_of(config)
    yield from devices.devices(config)
    yield from terminal.terminal(config)
