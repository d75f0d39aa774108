"""An embedded server that ends with the process that uses it, also where that is killed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def owned_server(home: Path | str) -> Iterator[None]:
    """Stop the embedded server of a home at the end of a block, or of this process in whatever way."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("DTK_")}
    # It reads until this process has ended: nobody else has the other end of its input.
    command = ["/bin/sh", "-c", 'cat; exec "$0" -m dtk_tui db stop', sys.executable]
    with subprocess.Popen(
        command,
        env=environ | {"DTK_HOME": str(home)},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ):
        yield
