"""The demo library: what lies on disk is what the programs would have written, and it is the same every time."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dtk_tui import config
from dtk_tui.demo import library as demo_library
from dtk_tui.demo.catalogue import Picture, pictures
from dtk_tui.demo.writers import Recipe, comfyui_graph, infotext
from dtk_tui.inference.image_embedder import ImageEmbedder
from dtk_tui.inference.manifest import load_manifest
from dtk_tui.inference.model_files import is_installed
from dtk_tui.inference.model_spec import ModelSpec
from dtk_tui.inference.text_embedder import TextEmbedder
from dtk_tui.metadata.reader import read_file

USER_COMMENT = 0x9286
EXIF_IFD = 0x8769


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    demo_library.create(folder)
    return folder


def of(dialect: str, container: str) -> list[Picture]:
    return [p for p in pictures() if (p.dialect, p.container) == (dialect, container)]


def recipe_of(picture: Picture) -> Recipe:
    assert picture.recipe is not None
    return picture.recipe


def user_comment(path: Path) -> str:
    with Image.open(path) as image:
        raw = image.getexif().get_ifd(EXIF_IFD)[USER_COMMENT]
    assert raw.startswith(b"UNICODE\0")
    return raw[8:].decode("utf-16-be")


def test_holds_what_it_promises(library: Path) -> None:
    counts = demo_library.expected()
    files = [p for p in library.rglob("*") if p.is_file()]
    assert len(files) == counts.images >= 60
    assert {p.relative_to(library).as_posix() for p in files} == {p.path.as_posix() for p in pictures()}
    assert counts.with_prompt > counts.groups > counts.unique_prompts
    assert counts.pairs >= 10
    stems = [p.path.stem for p in pictures()]
    assert len(set(stems)) == len(stems)
    dialects = [p.dialect for p in pictures()]
    assert 0.4 < dialects.count("comfyui") / len(dialects) < 0.6
    assert dialects.count("none") >= 2
    assert any(recipe_of(p).seed > 2**53 for p in pictures() if p.recipe)


def test_small_enough_to_write_in_a_demo(library: Path) -> None:
    assert sum(p.stat().st_size for p in library.rglob("*") if p.is_file()) < 25_000_000


def test_every_file_decodes_at_its_size(library: Path) -> None:
    formats = {"png": "PNG", "jpg": "JPEG", "webp": "WEBP"}
    for picture in pictures():
        with Image.open(library / picture.path) as image:
            image.load()
            assert image.format == formats[picture.container]
            scale = 2 if picture.upscaled else 1
            assert image.size == (picture.width * scale, picture.height * scale)


def test_newest_folder_is_newest(library: Path) -> None:
    ages = {p.path.parts[0]: (library / p.path).stat().st_mtime for p in pictures() if not p.upscaled}
    assert ages["2025-11"] < ages["2025-12"] < ages["2026-01"]


def test_a1111_png(library: Path) -> None:
    for picture in of("a1111", "png"):
        with Image.open(library / picture.path) as image:
            image.load()
            text = image.text["parameters"]
            assert ("postprocessing" in image.text) == picture.upscaled
        recipe = recipe_of(picture)
        lines = text.splitlines()
        assert lines[0] == recipe.prompt
        assert lines[1:-1] == ([f"Negative prompt: {recipe.negative_prompt}"] if recipe.negative_prompt else [])
        sampler, schedule = recipe.sampler, recipe.scheduler
        assert lines[-1].startswith(
            f"Steps: {recipe.steps}, Sampler: {sampler}, Schedule type: {schedule}, CFG scale: "
        )
        assert (
            f"Seed: {recipe.seed}, Size: {recipe.width}x{recipe.height}, Model hash: {recipe.model_hash}" in lines[-1]
        )


@pytest.mark.parametrize("container", ["jpg", "webp"])
def test_a1111_user_comment(library: Path, container: str) -> None:
    chosen = of("a1111", container)
    assert len(chosen) >= 3
    for picture in chosen:
        assert user_comment(library / picture.path) == infotext(recipe_of(picture))


def test_text_beyond_latin_1_becomes_itxt(library: Path) -> None:
    kinds = set()
    for picture in of("a1111", "png"):
        latin = max(recipe_of(picture).prompt) <= "\xff"
        kinds.add(latin)
        data = (library / picture.path).read_bytes()
        assert (b"tEXtparameters\0" in data) == latin
        assert (b"iTXtparameters\0" in data) == (not latin)
    assert kinds == {True, False}


def test_comfyui_png(library: Path) -> None:
    for picture in of("comfyui", "png"):
        with Image.open(library / picture.path) as image:
            image.load()
            graph, workflow = json.loads(image.text["prompt"]), json.loads(image.text["workflow"])
        check_graph(graph, picture)
        check_workflow(workflow, graph)


def test_comfyui_webp(library: Path) -> None:
    chosen = of("comfyui", "webp")
    assert chosen
    for picture in chosen:
        with Image.open(library / picture.path) as image:
            exif = image.getexif()
        graph = json.loads(exif[0x0110].removeprefix("prompt:"))
        check_graph(graph, picture)
        check_workflow(json.loads(exif[0x010F].removeprefix("workflow:")), graph)


def check_graph(graph: dict, picture: Picture) -> None:
    """Walk back from the node that saves, as a reader would."""
    recipe = recipe_of(picture)
    saver = next(node for node in graph.values() if node["class_type"] in ("SaveImage", "SaveAnimatedWEBP"))
    node = graph[saver["inputs"]["images"][0]]
    if picture.upscaled:
        assert node["class_type"] == "ImageUpscaleWithModel"
        node = graph[node["inputs"]["image"][0]]
    assert node["class_type"] == "VAEDecode"
    sampler = graph[node["inputs"]["samples"][0]]
    assert sampler["class_type"] == "KSampler"
    assert (sampler["inputs"]["seed"], sampler["inputs"]["steps"]) == (recipe.seed, recipe.steps)
    assert graph[sampler["inputs"]["positive"][0]]["inputs"]["text"] == recipe.prompt
    assert graph[sampler["inputs"]["negative"][0]]["inputs"]["text"] == recipe.negative_prompt
    size = graph[sampler["inputs"]["latent_image"][0]]["inputs"]
    assert (size["width"], size["height"]) == (recipe.width, recipe.height)
    names = []
    node = graph[sampler["inputs"]["model"][0]]
    while node["class_type"] == "LoraLoader":
        names.append(node["inputs"]["lora_name"])
        node = graph[node["inputs"]["model"][0]]
    assert names == [f"{name}.safetensors" for name, _ in reversed(recipe.loras)]
    assert node["inputs"]["ckpt_name"] == f"{recipe.model}.safetensors"


def check_workflow(workflow: dict, graph: dict) -> None:
    nodes = {node["id"]: node for node in workflow["nodes"]}
    assert {str(key) for key in nodes} == set(graph)
    for number, source, slot, target, place, kind in workflow["links"]:
        assert number in nodes[source]["outputs"][slot]["links"]
        assert nodes[target]["inputs"][place]["link"] == number
        assert nodes[source]["outputs"][slot]["type"] == kind


def test_the_reader_finds_what_was_written(library: Path) -> None:
    groups, texts = set(), set()
    for picture in pictures():
        found = read_file(str(library / picture.path)).parameters
        if picture.recipe is None:
            assert found.prompt is None
            continue
        recipe = picture.recipe
        assert (found.prompt, found.negative_prompt or "") == (recipe.prompt, recipe.negative_prompt)
        assert (found.seed, found.steps, found.cfg_scale) == (recipe.seed, recipe.steps, recipe.cfg_scale)
        assert found.model is not None
        assert recipe.model in found.model
        groups.add((found.prompt, found.negative_prompt, found.seed, found.sampler, found.scheduler, found.model_hash))
        texts |= {found.prompt, found.negative_prompt} - {None, ""}
    counts = demo_library.expected()
    assert (len(groups), len(texts)) == (counts.groups, counts.unique_texts)


def test_some_graphs_have_a_chain_of_loras() -> None:
    chained = [p for p in of("comfyui", "png") if len(recipe_of(p).loras) >= 2]
    assert chained
    graph = comfyui_graph(recipe_of(chained[0]), "x", "png", upscaled=False)
    assert graph["11"]["inputs"]["clip"] == ["10", 1]


def test_files_without_metadata_have_none(library: Path) -> None:
    for picture in pictures():
        if picture.dialect == "none":
            with Image.open(library / picture.path) as image:
                image.load()
                assert "parameters" not in image.info
                assert "prompt" not in image.info
                assert len(image.getexif()) == 0


def test_a_final_shares_the_parameters_of_its_original(library: Path) -> None:
    originals = {p.group: p for p in pictures() if p.recipe and not p.upscaled}
    finals = [p for p in pictures() if p.upscaled]
    assert len(finals) == demo_library.expected().pairs
    for final in finals:
        original = originals[final.group]
        assert final.path.parts[0] == "final"
        assert (library / final.path).stat().st_size > (library / original.path).stat().st_size
        if final.dialect == "a1111":
            assert text_of(library / final.path) == text_of(library / original.path)


def text_of(path: Path) -> str:
    with Image.open(path) as image:
        return image.info["parameters"] if path.suffix == ".png" else user_comment(path)


def test_several_prompts_have_three_seeds_or_more() -> None:
    seeds: dict[str, set[int]] = {}
    for picture in pictures():
        if picture.recipe:
            seeds.setdefault(picture.recipe.prompt, set()).add(picture.recipe.seed)
    assert sum(len(found) >= 3 for found in seeds.values()) >= 5


def test_second_call_writes_nothing_and_mends_a_broken_file(library: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in library.rglob("*") if p.is_file()}
    inodes = {p: p.stat().st_ino for p in before}
    seen: list[tuple[int, int]] = []
    assert set(demo_library.create(library, lambda done, total: seen.append((done, total)))) == set(before)
    assert seen[-1] == (len(before), len(before))
    assert {p: p.stat().st_mtime_ns for p in library.rglob("*") if p.is_file()} == before
    assert {p: p.stat().st_ino for p in before} == inodes

    for container in ("png", "jpg", "webp"):
        victim = library / next(p.path for p in pictures() if p.container == container)
        whole = victim.read_bytes()
        victim.write_bytes(whole[: len(whole) // 2])
        demo_library.create(library)
        assert victim.read_bytes() == whole


def test_two_runs_give_the_same_bytes(library: Path) -> None:
    for picture in pictures()[::9]:
        assert demo_library.file_bytes(picture) == (library / picture.path).read_bytes()


def test_no_two_pictures_look_the_same(library: Path) -> None:
    seen: dict[bytes, Path] = {}
    for picture in pictures():
        if not picture.upscaled:
            with Image.open(library / picture.path) as image:
                small = image.convert("RGB").resize((16, 16)).tobytes()
            assert small not in seen
            seen[small] = picture.path


def test_crops(library: Path, tmp_path: Path) -> None:
    pairs = demo_library.create_crops(library, tmp_path)
    assert len(pairs) == 20
    assert len({original for _, original in pairs}) == 20
    for crop, original in pairs:
        with Image.open(crop) as image, Image.open(original) as whole:
            image.load()
            assert 0.58 < (image.width * image.height) / (whole.width * whole.height) < 0.77
            assert image.format == "PNG"
            assert image.info == {}


def test_queries_ask_in_other_words() -> None:
    stems = {p.path.stem: p for p in pictures()}
    assert len(demo_library.QUERIES) == 10
    for query in demo_library.QUERIES:
        assert len(query.expected) >= 3
        asked = {word for word in query.text.split() if len(word) > 4}
        for stem in query.expected:
            told = set(recipe_of(stems[stem]).prompt.replace(",", "").split())
            assert not asked <= told


def starter(name: str) -> tuple[ModelSpec, Path]:
    folder = config.load().paths.models
    spec = load_manifest().get(name)
    if not is_installed(spec, folder):
        pytest.skip(f"the model {name} is not pulled (dtk models pull starter)")
    return spec, folder


def test_each_query_finds_its_subject_first() -> None:
    embedder = TextEmbedder(*starter("minilm-l6-v2"), 2)
    told = [p for p in pictures() if p.recipe]
    prompts = sorted({recipe_of(p).prompt for p in told})
    vectors = embedder.embed(prompts)
    for query in demo_library.QUERIES:
        near = dict(zip(prompts, (vectors @ embedder.embed_query(query.text)).tolist(), strict=True))
        ranked = sorted(told, key=lambda p: -near[recipe_of(p).prompt])
        assert {p.path.stem for p in ranked[: len(query.expected)]} == query.expected, query.text
    embedder.close()


def test_each_crop_finds_its_original_first(library: Path, tmp_path: Path) -> None:
    embedder = ImageEmbedder(*starter("dinov2-small"), 2)

    def vector(path: Path) -> np.ndarray:
        return embedder.infer(embedder.load(str(path))[None])[0]

    everything = pictures()
    vectors = np.stack([vector(library / p.path) for p in everything])
    groups = {library / p.path: p.group for p in everything}
    for crop, original in demo_library.create_crops(library, tmp_path):
        best = everything[int((vectors @ vector(crop)).argmax())]
        assert best.group == groups[original], crop.name
    embedder.close()
