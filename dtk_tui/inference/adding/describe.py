"""What a folder says of the model in it, put together as an entry of the manifest."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from dtk_tui.errors import ModelError, UsageError
from dtk_tui.inference.adding.entry import Entry
from dtk_tui.inference.adding.folder import ModelFolder
from dtk_tui.inference.adding.pictures import describe_dims, describe_picture
from dtk_tui.inference.adding.tags import describe_tags, has_tags
from dtk_tui.inference.adding.texts import describe_text
from dtk_tui.inference.graphs.external_data import external_files, read_graph
from dtk_tui.inference.graphs.signature import Signature, signature_of

#: The file that runs where a folder has several and nobody says which, the likeliest first.
_LIKELY = ("model.onnx", "onnx/model.onnx")
_LICENCE = re.compile(r"^license:[ \t]*[\"']?(\w[\w .+-]*)", re.MULTILINE)


def describe(folder: ModelFolder, file: str | None, name: str | None, settings: Mapping[str, Any]) -> Entry:
    """Return the entry of the model in a folder.

    Args:
        file: the ONNX file, by its path in the folder; None: the one, or the likeliest.
        name: what it is to be called; None: as the folder.
        settings: what a person says of it, by key; that goes before what the files say.

    Raises:
        UsageError: there is no ONNX file, or it takes texts and pictures at once.
        ModelError: a file cannot be read, or one lies outside the folder.
    """
    chosen = file or _choose(folder)
    model = read_graph(folder.file(chosen))
    graph = signature_of(model)
    entry = Entry()
    entry.found("name", name or _slug(folder.name), "the folder" if name is None else "the command line")
    entry.found("title", folder.name[:200], "the folder")
    entry.found("source", "local", "the folder")
    entry.found("session_file", chosen, "the folder")
    _origin(entry, folder)
    entry.files.append(chosen)
    entry.data = frozenset(external_files(folder.path, chosen, model))
    for data in entry.data:
        folder.file(data)
    entry.files.extend(sorted(entry.data))
    if "role" in settings:
        entry.found("role", settings["role"], "the command line")
    else:
        _role(entry, folder, graph, chosen)
    role = entry.get("role")
    if role == "text-embedder":
        describe_text(entry, folder, graph)
    elif role in ("image-embedder", "tagger"):
        describe_picture(entry, folder, graph)
        (describe_dims if role == "image-embedder" else describe_tags)(entry, folder, graph)
    for key, value in settings.items():
        entry.found(key, value, "the command line")
    return entry


def _choose(folder: ModelFolder) -> str:
    graphs = folder.graphs()
    if not graphs:
        raise UsageError(
            f"{folder.path} has no ONNX file.",
            "Of a CLIP or SigLIP with safetensors make one with: dtk models export NAME FOLDER",
        )
    likely = [name for name in _LIKELY if name in graphs] or (graphs if len(graphs) == 1 else [])
    if not likely:
        raise UsageError(
            f"{folder.path} has several ONNX files: {', '.join(graphs[:20])}.", "Say which with --file NAME."
        )
    return likely[0]


def _role(entry: Entry, folder: ModelFolder, graph: Signature, chosen: str) -> None:
    texts = [value for value in graph.inputs if value.kind == "integer" and len(value.shape) == 2]
    pictures = [value for value in graph.inputs if value.kind == "float" and len(value.shape) == 4]
    if texts and pictures:
        others = ", ".join(name for name in folder.graphs() if name != chosen) or "none"
        raise UsageError(
            f"{chosen} takes texts and pictures at once; a model here has one tower.",
            f"Name the file of one tower with --file. Others in the folder: {others}.",
        )
    if texts:
        entry.found("role", "text-embedder", "the graph")
    elif len(graph.inputs) == 1 and pictures:
        entry.found("role", "tagger" if has_tags(folder, graph) else "image-embedder", "the graph")
    else:
        taken = ", ".join(f"{value.name} {list(value.shape)}" for value in graph.inputs[:8])
        raise ModelError(
            f"{chosen} takes neither texts nor one picture: {taken}.", "A text embedder, image embedder or tagger does."
        )


def _origin(entry: Entry, folder: ModelFolder) -> None:
    if folder.repository:
        entry.found("repository", folder.repository, "the hub's cache")
        entry.found("revision", folder.revision, "the hub's cache")
    readme = folder.text("README.md")
    stated = _LICENCE.search(readme[: readme.find("\n---", 3)]) if readme.startswith("---") else None
    if stated is not None:
        entry.found("licence", stated[1].strip(), "README.md")
    else:
        entry.assume("licence", "unknown", "no README.md says it")


def _slug(name: str) -> str:
    """Return a folder's name as a model can have it."""
    return re.sub(r"[^a-z0-9.\-]+", "-", name.lower()).strip("-.") or "model"
