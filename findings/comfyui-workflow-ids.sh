#!/usr/bin/env bash
# Surprise: in a ComfyUI workflow with subgraphs an id names several things, and links have two shapes in one file.
# Packages: comfyui-workflow-templates-json 0.1.123 (the workflows that ComfyUI itself offers as templates)
# Guess:    "nodes" and "links" at the top hold the graph, each id is there once, and each link is a list of six.
# Really:   of 644 workflows 214 keep part of the graph in definitions.subgraphs; of the 164 with a sampler there, 162
#           have none at the top. Links are lists at the top and objects inside, where ends of -10 and -20 stand for the
#           subgraph's own sides and name no node. Ids count per graph: the same link id at the top and inside, the same
#           node id in two subgraphs of one file. Twelve links have an end that names no node of their graph.
# Matters:  whoever walks a saved "workflow" instead of the executed "prompt": a dictionary over all nodes or links by
#           id joins parts of different graphs.
# Remedy:   key by (subgraph, id), read both shapes of links, expect ends without a node.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3.11}" -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check --only-binary=:all: \
    comfyui-workflow-templates-json==0.1.123
cd "$work"
venv/bin/python - <<'PY'
import json
import sys
from collections import Counter
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

print("comfyui-workflow-templates-json", version("comfyui-workflow-templates-json"))
folder = Path(find_spec("comfyui_workflow_templates_json").origin).parent / "templates"
counted: Counter[str] = Counter()


def shared(groups: list[set[object]]) -> bool:
    """Tell whether two of the groups have a member in common."""
    return sum(map(len, groups)) > len(set().union(*groups))


def has_sampler(nodes: list[dict[str, object]]) -> bool:
    return any("sampler" in str(node["type"]).lower() for node in nodes)


for path in sorted(folder.glob("*.json")):
    workflow = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(workflow, dict) or "nodes" not in workflow:
        continue
    counted["workflows"] += 1
    subgraphs = (workflow.get("definitions") or {}).get("subgraphs", [])
    for link in workflow.get("links", []):
        counted[f"links at the top that are {type(link).__name__}"] += 1
    if not subgraphs:
        continue
    counted["with subgraphs"] += 1
    if any(has_sampler(graph["nodes"]) for graph in subgraphs):
        counted["with a sampler in a subgraph"] += 1
        counted["of these without a sampler at the top"] += not has_sampler(workflow["nodes"])
    for graph in subgraphs:
        ids = {node["id"] for node in graph["nodes"]}
        for link in graph.get("links", []):
            counted[f"links inside that are {type(link).__name__}"] += 1
            ends = {link["origin_id"], link["target_id"]}
            counted["links inside with an end of -10 or -20"] += bool(ends & {-10, -20})
            counted["links inside with an end that names no node"] += bool(ends - ids - {-10, -20})
    top = {link[0] for link in workflow["links"]}
    counted["with a link id both at the top and inside"] += any(
        top & {link["id"] for link in graph["links"]} for graph in subgraphs
    )
    counted["with a node id in two subgraphs"] += shared(
        [{node["id"] for node in graph["nodes"]} for graph in subgraphs]
    )

known = {
    "workflows": 644,
    "links at the top that are list": 4551,
    "with subgraphs": 214,
    "with a sampler in a subgraph": 164,
    "of these without a sampler at the top": 162,
    "links inside that are dict": 9131,
    "links inside with an end of -10 or -20": 3308,
    "links inside with an end that names no node": 12,
    "with a link id both at the top and inside": 41,
    "with a node id in two subgraphs": 3,
}
for what, number in counted.items():
    print(f"{what}: {number}")
if dict(counted) != known:
    sys.exit(f"CHANGED: it was {known}")
PY
echo "as known"
