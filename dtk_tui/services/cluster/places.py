"""Where workers belong in a cluster: one a GPU, and where no node has any, one a node."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Node:
    """A node of a cluster that is alive.

    Attributes:
        id: Ray's.
        address: its IP address.
        cpus, gpus: what it gives Ray to hand out.
    """

    id: str
    host: str
    address: str
    cpus: int
    gpus: int

    @property
    def is_here(self) -> bool:
        """Whether it is on this machine."""
        return self.host == socket.gethostname()


@dataclass(frozen=True)
class Place:
    """Room for one worker: what it asks of Ray, and the node that it is meant for."""

    node: str
    cpus: int
    gpus: int


def nodes_of(rows: Iterable[Mapping[str, Any]]) -> tuple[Node, ...]:
    """Return the nodes that are alive, of what ``ray.nodes()`` returns."""
    found = []
    for row in rows:
        if row.get("Alive"):
            of = row.get("Resources") or {}
            address, host = str(row["NodeManagerAddress"]), str(row["NodeManagerHostname"])
            found.append(Node(str(row["NodeID"]), host, address, int(of.get("CPU", 0)), int(of.get("GPU", 0))))
    return tuple(sorted(found, key=lambda node: (node.address, node.id)))


def places_in(nodes: Sequence[Node]) -> list[Place]:
    """Return the place of each worker, the largest first.

    A worker on the CPU uses all of its node and asks for all of it, so that Ray never puts two of them on one. Nodes
    without a GPU have no worker where others have one: work never falls to the CPU by itself.
    """
    if any(node.gpus for node in nodes):
        return [Place(node.id, 0, 1) for node in nodes for _ in range(node.gpus)]
    return sorted((Place(node.id, node.cpus, 0) for node in nodes if node.cpus), key=lambda place: -place.cpus)


def missing(places: Sequence[Place], taken: Iterable[str]) -> list[Place]:
    """Return the places without a worker.

    Args:
        taken: the node of each worker that answers.
    """
    left = list(taken)
    free = []
    for place in places:
        if place.node in left:
            left.remove(place.node)
        else:
            free.append(place)
    return free
