"""A ComfyUI graph as a tree."""

from __future__ import annotations

import json
from typing import Any

from dtk_tui.domain.parameters import RawChunk
from dtk_tui.metadata.workflow_tree import CHARS_LIMIT, LINES_LIMIT, WorkflowTree, workflow_tree
from tests.helpers.metadata.comfy_graphs import base, node


def tree(graph: dict[str, Any], key: str = "prompt") -> WorkflowTree:
    found = workflow_tree([RawChunk("png", key, json.dumps(graph))])
    assert found is not None
    return found


def text(found: WorkflowTree) -> list[str]:
    """Lines as ``depth name text number``."""
    return [
        f"{one.depth} {one.name} {one.text} {one.number}{' *' if one.is_again else ''}".rstrip() for one in found.lines
    ]


def test_the_tree_goes_from_what_was_saved_to_what_it_is_made_of() -> None:
    found = tree(base())
    assert found.nodes == 7 and not found.is_cut
    assert text(found)[:9] == [
        "0  SaveImage 9",
        "1 filename_prefix ComfyUI",
        "1 images VAEDecode 8",
        "2 samples KSampler 3",
        "3 seed 42",
        "3 steps 20",
        "3 cfg 8.0",
        "3 sampler_name euler",
        "3 scheduler normal",
    ]
    assert "3 positive CLIPTextEncode 6" in text(found)
    assert "4 text a castle" in text(found)
    assert "4 clip CheckpointLoaderSimple 4 *" in text(found), "a node that feeds several has its branches once"
    assert text(found).count("4 ckpt_name v1-5.safetensors") == 1


def test_the_graph_of_the_editor_will_do() -> None:
    workflow = {
        "nodes": [
            {"id": 1, "type": "LoadImage", "widgets_values": ["in.png", "image"], "outputs": [{"links": [5]}]},
            {"id": 2, "type": "PreviewImage", "inputs": [{"name": "images", "link": 5}]},
        ],
        "links": [[5, 1, 0, 2, 0, "IMAGE"]],
    }
    assert text(tree(workflow, "workflow"))[:2] == ["0  PreviewImage 2", "1 images LoadImage 1"]


def test_a_circle_ends() -> None:
    found = tree({"1": node("A", x=["2", 0]), "2": node("B", y=["1", 0])})
    assert text(found) == ["0  A 1", "1 x B 2", "2 y A 1 *"]


def test_a_chain_and_a_crowd_are_bounded() -> None:
    chain = {str(n): node("Step", x=[str(n + 1), 0], v="z" * 400) for n in range(3000)}
    found = tree(chain)
    assert len(found.lines) <= LINES_LIMIT
    assert max(one.depth for one in found.lines) <= 61
    assert all(len(one.text) <= CHARS_LIMIT for one in found.lines)
    assert tree({str(n): node("Alone") for n in range(5000)}).is_cut


def test_values_of_any_kind() -> None:
    found = tree({"1": node("A", n=None, b=True, d={"a": 1}, many=[1, 2, 3], gone=["9", 0], huge=10**5000 // 10**4900)})
    assert text(found)[1:5] == ["1 n None", "1 b True", "1 d 1 value", "1 many 3 values"]


def test_where_there_is_no_graph() -> None:
    assert workflow_tree([]) is None
    assert workflow_tree([RawChunk("png", "parameters", "a castle\nSteps: 20, Seed: 1")]) is None
    assert workflow_tree([RawChunk("png", "prompt", '{"1": {"class_type": 3}}')]) is None
    assert workflow_tree([RawChunk("png", "prompt", "[" * 100_000)]) is None
