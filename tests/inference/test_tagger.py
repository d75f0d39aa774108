from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from dtk_tui.errors import ModelError
from dtk_tui.inference.manifest import load_manifest
from dtk_tui.inference.model_spec import ImageInput, ModelFile, ModelSpec, TagOutput
from dtk_tui.inference.tagger import Tagger, _aliases, read_tags
from tests.helpers.drawn_images import scene
from tests.helpers.tiny_onnx import save_onnx

_CSV = '''tag_id,name,category,count
9999999,general,9,807858
9999998,"sensitive",9,3771700
1,1girl,0,100
2,long_hair,0,90
3,^_^,0,80
4,"hatsune_miku_(append),_""odd""",4,70
5,o_o,0,5
'''


def test_scores_are_probabilities_over_both_tags(open_nsfw: Tagger, tmp_path: Path) -> None:
    assert open_nsfw.tags == (("sfw", "rating"), ("nsfw", "rating"))
    path = tmp_path / "house.png"
    scene(0).save(path)
    batch = np.stack([open_nsfw.load(str(path))] * 2)
    scores = open_nsfw.infer(batch)
    assert scores.dtype == np.float32
    assert scores.shape == (2, 2)
    assert np.allclose(scores.sum(axis=1), 1.0, atol=1e-5)
    assert scores[0, 0] > open_nsfw.rules.threshold_of("rating") > scores[0, 1]
    assert np.array_equal(scores[0], scores[1])


def test_scores_do_not_depend_on_the_batch(open_nsfw: Tagger, tmp_path: Path) -> None:
    rows = []
    for kind in range(3):
        scene(kind).save(tmp_path / f"{kind}.png")
        rows.append(open_nsfw.load(str(tmp_path / f"{kind}.png")))
    together = open_nsfw.infer(np.stack(rows))
    alone = np.concatenate([open_nsfw.infer(row[None]) for row in rows])
    assert np.allclose(together, alone, atol=1e-5)


def test_wd_lists_are_read_as_csv_with_categories(tmp_path: Path) -> None:
    rules = load_manifest().get("wd-vit-tagger-v3").tags
    assert rules is not None
    (tmp_path / "selected_tags.csv").write_text(_CSV)
    assert read_tags(rules, tmp_path) == (
        ("general", "rating"),
        ("sensitive", "rating"),
        ("1girl", "general"),
        ("long hair", "general"),
        ("^_^", "general"),
        ('hatsune miku (append), "odd"', "character"),
        ("o_o", "general"),
    )


def test_plain_lists_have_one_category(tmp_path: Path) -> None:
    rules = load_manifest().get("joytag").tags
    assert rules is not None
    (tmp_path / "top_tags.txt").write_text("1girl\nlong_hair\n>_<\n")
    assert read_tags(rules, tmp_path) == (("1girl", "general"), ("long hair", "general"), (">_<", "general"))


def test_taggers_with_lists_of_different_years_name_a_thing_alike(tmp_path: Path) -> None:
    rules = load_manifest().get("joytag").tags
    assert rules is not None
    (tmp_path / "top_tags.txt").write_text("bunny\nhand_in_hair\nolder\naged_up\nlong_hair\n")
    found = [name for name, _ in read_tags(rules, tmp_path)]
    assert found == ["rabbit", "hand in own hair", "older", "aged up", "long hair"], "older is not aged up to this one"
    assert read_tags(replace(rules, aliases=None), tmp_path)[0] == ("bunny", "general")
    with pytest.raises(ModelError, match="aliases of tags"):
        read_tags(replace(rules, aliases="data/none.toml"), tmp_path)


def test_no_alias_leads_to_another() -> None:
    aliases = _aliases("data/tag-aliases.toml")
    assert len(aliases) == 61
    assert not set(aliases) & set(aliases.values())


def test_a_list_without_its_columns_says_so(tmp_path: Path) -> None:
    rules = load_manifest().get("wd-vit-tagger-v3").tags
    assert rules is not None
    (tmp_path / "selected_tags.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ModelError, match="tag list"):
        read_tags(rules, tmp_path)


def _tiny(folder: Path, tags: TagOutput) -> ModelSpec:
    """A model whose scores are the channel means of an NHWC picture, blue first; 128 is nothing."""
    from onnx import TensorProto as Kind
    from onnx import helper

    save_onnx(
        folder / "tiny" / "m.onnx",
        [helper.make_node("ReduceMean", ["x"], ["y"], axes=[1, 2], keepdims=0)],
        [helper.make_tensor_value_info("x", Kind.FLOAT, ["n", 4, 4, 3])],
        [helper.make_tensor_value_info("y", Kind.FLOAT, ["n", 3])],
        [],
    )
    image = ImageInput(4, "nhwc", "bgr", "pad", "bicubic", mean=(128.0, 128.0, 128.0))
    files = (ModelFile("m.onnx", origin="m.onnx"),)
    return ModelSpec("tiny", "T", "tagger", "hub", "MIT", "m.onnx", files, repository="x/y", image=image, tags=tags)


def test_logits_pass_the_sigmoid_where_the_manifest_says(tmp_path: Path) -> None:
    rules = TagOutput(0.4, names=("a", "b", "c"), sigmoid=True, thresholds={"character": 0.85})
    tagger = Tagger(_tiny(tmp_path, rules), tmp_path, 1)
    batch = np.full((1, 4, 4, 3), 128, np.uint8)
    batch[..., 1], batch[..., 0] = 130, 0
    assert np.allclose(tagger.infer(batch), [[0.5, 1 / (1 + np.exp(-2.0)), 0.0]], atol=1e-6)
    assert (tagger.rules.threshold_of("general"), tagger.rules.threshold_of("character"), tagger.rules.keep) == (
        0.4,
        0.85,
        0.05,
    )
    assert tagger.infer(batch[:0]).shape == (0, 3)
    tagger.close()


def test_a_list_that_does_not_fit_the_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="3 scores, its list has 2"):
        Tagger(_tiny(tmp_path, TagOutput(0.4, names=("a", "b"))), tmp_path, 1)
