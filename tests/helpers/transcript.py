"""Commands run one after the other in this process, and what they printed, as text for a golden file."""

from __future__ import annotations

import json
import re
import shlex

from typer.testing import CliRunner

from dtk_tui.cli.application import application
from dtk_tui.errors import DtkError, UsageError
from tests.helpers.golden import json_lines, plain, words

#: Keys whose values differ from run to run, from machine to machine.
VARYING = frozenset({
    "seconds", "bytes", "pid", "host", "heartbeat_at", "expected_s", "eta_s", "score", "size", "file_size", "devices",
    "gpus", "day",
})  # fmt: skip
#: Of what is printed for people, what the compression of PNG files, or of a dump, decides.
_SIZES = re.compile(r"\b\d+\.\d [kM]B|\b\d{3} B\b|(?<=^file size) +\d+$", re.MULTILINE)


class Transcript:
    """Commands that are run in this process, with what they print and how they end.

    Args:
        places: folders of this run, and what the golden file calls them.
    """

    def __init__(self, places: dict[str, str]) -> None:
        self._places = places
        self._parts: list[str] = []
        self._runner = CliRunner()

    def run(self, *arguments: str, varying: frozenset[str] = VARYING) -> list[object]:
        """Run a command; what it prints with ``--json`` is kept as values, the rest as text."""
        done = self._runner.invoke(application, list(arguments), prog_name="dtk", terminal_width=100)
        status, told = done.exit_code, done.output
        if isinstance(done.exception, DtkError):
            error = done.exception
            status = 2 if isinstance(error, UsageError) else 1
            told += f"dtk: {error.title}\n     {error.detail}\n"
        elif done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        values: list[object] = []
        if "--json" in arguments and not done.exception:
            values = [json.loads(line) for line in done.stdout.splitlines()]
            told = json_lines([plain(value, self._places, varying) for value in values])
            if done.stderr:
                told += f"\n(stderr)\n{words(done.stderr, self._places)}"
        head = words(f"$ dtk {shlex.join(arguments)}", self._places)
        ended = f"(exit status {status})\n" if status else ""
        told = _SIZES.sub(" <size>", words(told, self._places)).rstrip()
        self._parts.append(f"{head}\n{told}\n{ended}")
        return values

    def text(self) -> str:
        """Return all of it."""
        return "\n".join(self._parts)
