"""What to do about a failure, in the keys of the app: services advise commands of the shell."""

from __future__ import annotations

import re
from collections.abc import Callable

#: What a service says, and what a person in the app reads instead; commands stand in braces by their ids.
ADVICE = (
    (
        "Queue and run the work: dtk queue add --all --kind embed, then dtk worker run --until-empty.",
        "{work.embed_now} on All images, in the folders, queues the work, and {app.start} starts the workers.",
    ),
    ("Scan it again with: dtk library include", "Scan it again with {folders.include} in the folders:"),
    ("or take that one out first: dtk library remove", "or take out first, with {folders.remove} in the folders:"),
    (
        "What is gone for good is taken out with: dtk library remove FOLDER",
        "{folders.remove} in the folders takes out what is gone for good.",
    ),
    ("Scan again: dtk scan", "Scan again: {app.scan_again}"),
    ("Name one: dtk scan FOLDER", "{app.add_folder} adds one."),
    ("Is its disk well? If so: dtk queue retry", "Is its disk well? If so: {queue.retry} in the queue"),
    ("Get it with: dtk models pull", "{app.models} gets it here, on any host: dtk models pull"),
    ("dtk models list tells why", "{app.models} tells why"),
    ("dtk caption test tells why", "{app.captioner_test} tells why"),
    ("dtk album list shows", "{main.collections} shows"),
    ("dtk tag list shows", "{main.collections} shows"),
    ("dtk journal list shows", "{app.journal} shows"),
    ("dtk query list", "{main.queries}"),
    ("dtk config show lists", "{app.settings} lists"),
    (
        "Finish it with --resume, or throw it away with --undo.",
        "{import.resume} finishes it; {import.again} begins anew and throws it away.",
    ),
    ("Start one without --resume.", "{import.again} starts one."),
    ("Name that file, or start without --resume.", "Name that file, or begin anew with {import.again}."),
    ("Start again without --resume", "Begin anew with {import.again}"),
    ("Start without --resume", "Begin anew with {import.again}"),
    ("start again, without --resume", "begin anew with {import.again}"),
    ("--resume", "{import.resume} (Resume)"),
)

_COMMAND = re.compile(r"\{([a-z_.]+)\}")


def in_keys(text: str, key: Callable[[str], str]) -> str:
    """Return what a service says with keys in the place of commands of the shell.

    Args:
        key: says how the key of a command, by its id, is bound.
    """
    for said, meant in ADVICE:
        if said in text:
            text = text.replace(said, _COMMAND.sub(lambda found: key(found[1]), meant))
    return text
