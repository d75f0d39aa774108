"""What a graph names as its weights never leads out of the model's folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from dtk_tui.errors import ModelError
from dtk_tui.inference import model_files
from dtk_tui.inference.graphs.external_data import external_files, inside, read_graph
from dtk_tui.inference.image_embedder import ImageEmbedder
from dtk_tui.inference.model_spec import ImageInput, ModelFile, ModelSpec
from tests.helpers.tiny_onnx import save_onnx


def _model(home: Path, location: str, name: str = "m.onnx") -> Path:
    """Write a model that adds a picture of weights, which stand in a file of any name beside it."""
    from onnx import TensorProto, helper, numpy_helper

    weights = numpy_helper.from_array(np.arange(48, dtype=np.float32).reshape(1, 3, 4, 4), "w")
    ends = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 4, 4])]
    ends += [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3])]
    add = helper.make_node("Add", ["x", "w"], ["s"])
    mean = helper.make_node("ReduceMean", ["s"], ["y"], axes=[2, 3], keepdims=0)
    path = save_onnx(home / name, [add, mean], ends[:1], ends[1:], [weights])
    graph = read_graph(path)
    _move_out(graph.graph.initializer[0], location)
    path.write_bytes(graph.SerializeToString())
    return path


def _move_out(tensor: Any, location: str) -> bytes:
    data: bytes = tensor.raw_data
    tensor.ClearField("raw_data")
    tensor.data_location = tensor.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return data


def _spec(*files: ModelFile) -> ModelSpec:
    image = ImageInput(4, "nchw", "rgb", "squash", "bicubic")
    return ModelSpec(
        "tiny", "T", "image-embedder", "local", "MIT", "m.onnx", (ModelFile("m.onnx"), *files), dims=3, image=image
    )


@pytest.mark.parametrize("location", ["../w.bin", "/etc/passwd", "a/../../w.bin", "..\\w.bin", "w\x1b[2J.bin", ""])
def test_weights_outside_the_folder_are_refused_wherever_a_model_is_used(tmp_path: Path, location: str) -> None:
    home = tmp_path / "tiny"
    (tmp_path / "w.bin").write_bytes(bytes(192))
    path = _model(home, location)
    with pytest.raises(ModelError, match="outside its folder") as caught:
        external_files(home, "m.onnx", read_graph(path))
    assert "\x1b" not in str(caught.value)
    with pytest.raises(ModelError, match="outside its folder"):
        ImageEmbedder(_spec(), tmp_path, 1)
    (check,) = model_files.verify(_spec(), tmp_path)
    assert check.condition == "damaged"


def test_weights_that_are_no_file_of_the_model_are_refused(tmp_path: Path) -> None:
    home = tmp_path / "tiny"
    _model(home, "w.bin")
    with pytest.raises(ModelError, match=r"w\.bin is missing"):
        ImageEmbedder(_spec(), tmp_path, 1)
    (home / "w.bin").write_bytes(np.arange(48, dtype=np.float32).tobytes())
    with pytest.raises(ModelError, match=r"weights in w\.bin, which is not among the files of tiny"):
        ImageEmbedder(_spec(), tmp_path, 1)
    embedder = ImageEmbedder(_spec(ModelFile("w.bin", data=True)), tmp_path, 1)
    found = embedder.infer(np.zeros((1, 4, 4, 3), np.uint8))[0]
    assert np.allclose(found / found[0], np.array([7.5, 23.5, 39.5]) / 7.5)
    embedder.close()


def test_a_link_that_leads_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    home = tmp_path / "tiny"
    _model(home, "w.bin")
    (tmp_path / "w.bin").write_bytes(bytes(192))
    (home / "w.bin").symlink_to(tmp_path / "w.bin")
    with pytest.raises(ModelError, match="link that leads out"):
        ImageEmbedder(_spec(ModelFile("w.bin", data=True)), tmp_path, 1)
    (home / "m.onnx").rename(tmp_path / "m.onnx")
    (home / "m.onnx").symlink_to(tmp_path / "m.onnx")
    with pytest.raises(ModelError, match="link that leads out"):
        model_files.session_path(_spec(), tmp_path)


def test_a_models_folder_that_is_a_link_is_the_folder_it_leads_to(tmp_path: Path) -> None:
    _model(tmp_path / "real" / "tiny", "w.bin")
    (tmp_path / "linked").symlink_to(tmp_path / "real" / "tiny")
    assert inside(tmp_path / "linked", "m.onnx") == tmp_path / "linked" / "m.onnx"


def test_weights_in_constants_and_in_branches_are_seen(tmp_path: Path) -> None:
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    def constant(name: str) -> Any:
        node = helper.make_node("Constant", [], [name], value=numpy_helper.from_array(np.ones(3, np.float32)))
        _move_out(node.attribute[0].t, f"{name}.bin")
        return node

    result = helper.make_tensor_value_info("b", TensorProto.FLOAT, [3])
    branch = helper.make_graph([constant("b")], "branch", [], [result])
    choice = helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)
    graph = helper.make_graph(
        [constant("a"), choice], "g", [helper.make_tensor_value_info("c", TensorProto.BOOL, [1])], [result]
    )
    path = tmp_path / "sub" / "m.onnx"
    path.parent.mkdir()
    onnx.save(helper.make_model(graph), str(path))
    assert external_files(tmp_path, "sub/m.onnx", read_graph(path)) == ("sub/a.bin", "sub/b.bin")


def test_the_identity_of_a_model_is_that_of_its_weights_wherever_they_stand(tmp_path: Path) -> None:
    home = tmp_path / "tiny"
    _model(home, "w.bin")
    spec = _spec(ModelFile("w.bin", data=True))
    found = []
    for value in (1, 2):
        (home / "w.bin").write_bytes(bytes([value]) * 192)
        found.append(model_files.model_sha256(spec, tmp_path))
    assert found[0] != found[1]
    alone = replace(spec, files=spec.files[:1])
    assert model_files.model_sha256(alone, tmp_path) == model_files.sha256_of(home / "m.onnx")
