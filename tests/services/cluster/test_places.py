"""Where workers belong in a cluster."""

from __future__ import annotations

from typing import Any

from dtk_tui.services.cluster.places import Place, missing, nodes_of, places_in


def _row(name: str, *, alive: bool = True, **resources: float) -> dict[str, Any]:
    return {
        "NodeID": name, "Alive": alive, "NodeManagerAddress": "10.0.0.1", "NodeManagerHostname": name,
        "Resources": resources,
    }  # fmt: skip


def test_a_gpu_has_one_worker_and_a_node_without_has_none_beside() -> None:
    nodes = nodes_of([_row("a", CPU=16, GPU=2), _row("b", CPU=64), _row("c", CPU=8, GPU=1)])
    assert places_in(nodes) == [Place("a", 0, 1), Place("a", 0, 1), Place("c", 0, 1)]


def test_without_any_gpu_each_node_has_one_that_asks_for_all_of_it() -> None:
    nodes = nodes_of([_row("small", CPU=4), _row("large", CPU=16), _row("head", CPU=0), _row("gone", alive=False)])
    assert [node.id for node in nodes] == ["head", "large", "small"]
    assert places_in(nodes) == [Place("large", 16, 0), Place("small", 4, 0)]


def test_places_are_missing_by_what_each_node_has() -> None:
    places = [Place("a", 0, 1), Place("a", 0, 1), Place("b", 0, 1)]
    assert missing(places, []) == places
    assert missing(places, ["a"]) == [Place("a", 0, 1), Place("b", 0, 1)]
    assert missing(places, ["b", "a", "a", "gone"]) == []
