"""Options and arguments that several commands have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

#: The largest number that the database counts with.
LARGEST = 2**63 - 1

Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=LARGEST, help="At most so many.")]
Jobs = Annotated[list[int] | None, typer.Option("--job", min=1, max=LARGEST, help="Only this job; may be repeated.")]


class QueryCommand(TyperCommand):
    """A command with a QUERY, whose words may begin with a minus sign: ``-has:caption`` is no cluster of options."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse, with the words of the query behind all options."""
        options, words = _apart(args, self.get_params(ctx))
        return super().parse_args(ctx, [*options, "--", *words])


def _apart(args: Sequence[str], params: Sequence[Any]) -> tuple[list[str], list[str]]:
    """Return the options with their values, and everything else."""
    values = {
        name: 0 if param.is_flag else param.nargs
        for param in params
        if param.param_type_name == "option"
        for name in (*param.opts, *param.secondary_opts)
    }
    options: list[str] = []
    words: list[str] = []
    place = 0
    while place < len(args):
        arg, place = args[place], place + 1
        if arg == "--":
            return options, [*words, *args[place:]]
        if not _is_option(arg, values):
            words.append(arg)
            continue
        end = place + values.get(arg, 0)
        options += [arg, *args[place:end]]
        place = end
    return options, words


def _is_option(arg: str, values: dict[str, int]) -> bool:
    """Tell an option, also an unknown one, from a word of a query.

    Args:
        values: how many values an option takes, by its names.
    """
    if arg.startswith("--") or len(arg) == 2:
        return arg.startswith("-") and arg != "--"
    if not arg.startswith("-") or arg == "-":
        return False
    first = f"-{arg[1]}"
    if values.get(first) and arg[2:].lstrip("=").isdigit():  # -n5
        return True
    return all(values.get(f"-{letter}") == 0 for letter in arg[1:])  # flags in a row
