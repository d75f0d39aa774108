"""Options and arguments that several commands have."""

from __future__ import annotations

from typing import Annotated

import typer

#: The largest number that the database counts with.
LARGEST = 2**63 - 1

Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=LARGEST, help="At most so many.")]
Jobs = Annotated[list[int] | None, typer.Option("--job", min=1, max=LARGEST, help="Only this job; may be repeated.")]
