"""What an enqueue did, in words."""

from __future__ import annotations

import pytest

from dtk_tui.domain.queue import Enqueued


@pytest.mark.parametrize(
    ("done", "words"),
    [
        (Enqueued(12, 0, 0), "12 queued."),
        (
            Enqueued(1200, 3, 1, 2, 5),
            "1,200 queued, 2 wait in the queue already, 3 are done already, 1 shares the vector of another image,"
            " 5 cannot be read or decoded.",
        ),
        (Enqueued(0, 12, 0), "Nothing to queue: all 12 are done already."),
        (Enqueued(0, 1, 0), "Nothing to queue: 1 is done already."),
        (Enqueued(0, 1, 4), "Nothing to queue: 1 is done already, 4 share the vector of another image."),
        (Enqueued(0, 0, 0), "Nothing to queue: there is no image."),
    ],
)
def test_what_was_queued_is_said_without_what_is_nought(done: Enqueued, words: str) -> None:
    assert done.words() == words


def test_what_would_be_queued() -> None:
    assert Enqueued(2, 1, 0).words("would be queued") == "2 would be queued, 1 is done already."
