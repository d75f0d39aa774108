"""The starter models with an image embedder of one layer: real files and sessions, a tenth of the arithmetic."""

from __future__ import annotations

from pathlib import Path

from dtk_tui.inference.graphs.truncation import truncate_graph

_EMBEDDER = "dinov2-small"
_FIRST_LAYER = "/backbone/encoder/layer.0/Add_1_output_0"


def quick_models(folder: Path, real: Path) -> Path:
    """Fill a models folder: DINOv2 ends at its first layer, everything else is as in ``real``."""
    import onnx

    folder.mkdir(parents=True)
    for model in real.iterdir():
        if model.name != _EMBEDDER:
            (folder / model.name).symlink_to(model)
    made = folder / _EMBEDDER
    made.mkdir()
    (made / "vit_s_focus.onnx").symlink_to(real / _EMBEDDER / "vit_s_focus.onnx")
    whole, graph_file = real / _EMBEDDER / "backbone.onnx", made / "backbone.onnx"
    truncate_graph(whole, _FIRST_LAYER, graph_file)
    model = onnx.load(str(graph_file))
    (output,) = model.graph.output
    name = onnx.load(str(whole), load_external_data=False).graph.output[0].name
    model.graph.node.append(onnx.helper.make_node("Identity", [output.name], [name]))
    output.name = name
    onnx.save(model, str(graph_file))
    return folder
