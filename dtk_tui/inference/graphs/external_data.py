"""The files beside an ONNX model that hold its weights, as the model names them: a stranger's text until it is checked.

Source: onnx/onnx.proto (TensorProto.external_data) and onnx/docs/ExternalData.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from dtk_tui.errors import ModelError
from dtk_tui.inference.model_spec import ModelSpec

#: A message of protobuf has no more, in bytes.
_LARGEST = 2 << 30


def external_files(home: Path, name: str, model: Any) -> tuple[str, ...]:
    """Return the files that an ONNX model names, by their paths in the model's folder, each once, in order.

    Args:
        home: the model's folder.
        name: path of the ONNX file in it.
        model: what ``read_graph`` made of that file.

    Raises:
        ModelError: it names a file outside the folder; whether there is one of that name, the caller sees.
    """
    found = []
    for location in sorted({place for tensor in _tensors(model) if (place := _location(tensor)) is not None}):
        pure = PurePosixPath(location)
        if not location.isprintable() or "\\" in location or pure.is_absolute() or ".." in pure.parts or not pure.parts:
            raise ModelError(
                f"The model {home / name} names weights outside its folder: {location!r}. It is not used.",
                "Get it from a source that you trust, with the files of its weights beside it.",
            )
        found.append(str(PurePosixPath(name).parent / pure))
    return tuple(found)


def require_own_weights(spec: ModelSpec, home: Path, model: Any = None) -> None:
    """Raise ModelError where the graph of a model names weights that are not among its files, or lie elsewhere.

    Args:
        home: the model's folder.
        model: what ``read_graph`` made of the file that runs, where it was read already.
    """
    listed = {file.path for file in spec.files} | {f"{spec.half_file}_data"}
    model = read_graph(inside(home, spec.session_file)) if model is None else model
    for name in external_files(home, spec.session_file, model):
        inside(home, name)
        if name not in listed:
            raise ModelError(
                f"{home / spec.session_file} has its weights in {name}, which is not among the files of {spec.name}.",
                "Add it as a model of your own, with: dtk models add FOLDER",
            )


def read_graph(path: Path) -> Any:
    """Return an ONNX model without the weights in other files; raises ModelError when the file is none."""
    import onnx

    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError("a graph has at most 2 GB; larger weights belong into a file beside it")
        return onnx.load(str(path), load_external_data=False)
    except Exception as error:
        raise ModelError(f"{path} is not an ONNX model.", str(error)[:500]) from error


def inside(home: Path, name: str) -> Path:
    """Return the path of a file of a model; raises ModelError when it is none, or a link leads out of the folder."""
    path = home / name
    if not path.is_file():
        raise ModelError(f"The file {path} is missing.", "Get the model again, with all of its files.")
    if not path.resolve().is_relative_to(home.resolve()):
        raise ModelError(
            f"{path} is a link that leads out of the folder of its model: it is not used.",
            f"Put the file itself there: cp --remove-destination {path.resolve()} {path}",
        )
    return path


def _location(tensor: Any) -> str | None:
    """Return the file that holds the values of a tensor, or None where they stand in the model."""
    if tensor.data_location != tensor.EXTERNAL:
        return None
    return next((str(entry.value) for entry in tensor.external_data if entry.key == "location"), "")


def _tensors(model: Any) -> Iterator[Any]:
    graphs = [model.graph]
    nodes = [node for function in model.functions for node in function.node]
    while graphs or nodes:
        if graphs:
            graph = graphs.pop()
            yield from graph.initializer
            for sparse in graph.sparse_initializer:
                yield from (sparse.values, sparse.indices)
            nodes.extend(graph.node)
            continue
        for attribute in nodes.pop().attribute:
            yield attribute.t
            yield from attribute.tensors
            graphs.extend(attribute.graphs)
            if attribute.HasField("g"):
                graphs.append(attribute.g)
