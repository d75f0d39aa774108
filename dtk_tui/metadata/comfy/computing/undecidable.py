"""What cannot be worked out from a graph."""

from __future__ import annotations


class UndecidableError(Exception):
    """What a node gave depends on the run, or on something outside of the graph."""
