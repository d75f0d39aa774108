"""Files beside a picture."""

from __future__ import annotations

import json
import os
from pathlib import Path
from urllib.parse import quote

import pytest

from dtk_tui.metadata.reader import derive, read_file
from dtk_tui.metadata.sidecars import sidecar_names
from tests.helpers.metadata import files
from tests.helpers.metadata.files import INFOTEXT

FOOOCUS = {
    "prompt": "a goldfish",
    "negative_prompt": "",
    "base_model": "juggernautXL_v8",
    "seed": "6952411511246973023",
    "steps": 30,
    "guidance_scale": 4,
    "resolution": "(768, 1280)",
    "sampler": "dpmpp_2m_sde_gpu",
    "metadata_scheme": False,
    "lora_combined_1": "offset.safetensors : 0.1",
    "version": "Fooocus v2.2.1",
}
EASY = {"prompt": "x", "seed": 9, "use_stable_diffusion_model": "C:\\m\\sd.ckpt"}
LINES = "Prompt: a castle\nby the sea\nSeed: 8\nStable Diffusion model: sd.ckpt\nSteps: 5"


def picture(folder: Path, name: str = "a.png", data: bytes | None = None) -> str:
    (folder / name).write_bytes(files.png() if data is None else data)
    return str(folder / name)


@pytest.mark.parametrize(
    ("name", "content", "dialect", "seed"),
    [
        ("a.txt", INFOTEXT.replace("\n", "\r\n"), "a1111", 4179307297),
        ("a.json", json.dumps(FOOOCUS), "fooocus", 6952411511246973023),
        ("a.swarm.json", json.dumps({"sui_image_params": {"prompt": "x", "seed": 3}}), "swarmui", 3),
        ("a.metadata.json", json.dumps({"mflux_version": "0.9", "prompt": "x", "seed": 4}), "mflux", 4),
        ("a.txt", LINES, "easydiffusion", 8),
        ("a.json", json.dumps(EASY), "easydiffusion", 9),
    ],
)  # fmt: skip
def test_a_sidecar_speaks_for_its_picture(name: str, content: str, dialect: str, seed: int, tmp_path: Path) -> None:
    path = picture(tmp_path)
    (tmp_path / name).write_text(content, newline="")
    for siblings in (None, {"a.png", name}):
        reading = read_file(path, siblings)
        assert (reading.dialect, reading.parameters.seed, reading.error) == (dialect, seed, None)
        assert reading.chunks[-1].source == "sidecar"
        assert derive(reading.chunks, reading.width, reading.height) == (dialect, reading.parameters)
    assert read_file(path, {"a.png"}).dialect is None


def test_the_log_of_fooocus(tmp_path: Path) -> None:
    def block(name: str, seed: str) -> str:
        copied = quote(json.dumps(FOOOCUS | {"seed": seed, "prompt": "it's <b>"}, indent=0), safe="")
        return (
            f'<div id="{name}" class="image-container"><hr><table><tr><td><a href="{name}" target="_blank">'
            f"<img src='{name}' onerror=\"this.closest('.image-container').style.display='none';\" loading='lazy'/></a>"
            f"<div>{name}</div></td><td><table class='metadata'><tr><td>Prompt</td><td>x</td></tr></table>"
            f"<button onclick=\"to_clipboard('{copied}')\">Copy to Clipboard</button></td></tr></table></div>\n\n"
        )

    (tmp_path / "log.html").write_text("<html>" + block("b.png", "12") + block("a.png", "11") + "</html>")
    for name, seed in (("a.png", 11), ("b.png", 12)):
        reading = read_file(picture(tmp_path, name))
        assert (reading.dialect, reading.parameters.seed, reading.parameters.prompt) == ("fooocus", seed, "it's <b>")
    assert read_file(picture(tmp_path, "c.png")).dialect is None


def test_an_old_log_that_has_only_its_table(tmp_path: Path) -> None:
    cells = {"Prompt": "a &lt;goldfish&gt;", "Base Model": "x.safetensors", "Seed": "5", "Performance": "Speed"}
    rows = "".join(
        f"<tr><td class='label'>{key}</td><td class='value'>{value}</td></tr>\n" for key, value in cells.items()
    )
    (tmp_path / "log.html").write_text(f"<img src='a.png'/><table class='metadata'>{rows}</table>")
    reading = read_file(picture(tmp_path))
    assert (reading.dialect, reading.parameters.prompt, reading.parameters.seed) == ("fooocus", "a <goldfish>", 5)


def test_what_the_picture_says_itself_wins(tmp_path: Path) -> None:
    path = picture(tmp_path, data=files.png(files.text("parameters", "own\nSteps: 3, Seed: 1")))
    (tmp_path / "a.txt").write_text(INFOTEXT)
    assert read_file(path).parameters.prompt == "own"


@pytest.mark.parametrize("content", ["1girl, solo, blue hair", "", "\0\xff", "{", '{"prompt": "a caption"}', "[1, 2]"])
def test_captions_and_other_texts_are_no_parameters(content: str, tmp_path: Path) -> None:
    path = picture(tmp_path)
    for name in ("a.txt", "a.json"):
        (tmp_path / name).write_text(content)
    reading = read_file(path)
    assert (reading.dialect, reading.chunks, reading.error) == (None, (), None)


def test_unreadable_sidecars_are_passed_over(tmp_path: Path) -> None:
    path = picture(tmp_path)
    (tmp_path / "a.txt").mkdir()
    os.mkfifo(tmp_path / "a.json")
    with open(tmp_path / "a.swarm.json", "wb") as file:
        file.truncate(3 * 1024**3)
    assert read_file(path).dialect is None


@pytest.mark.parametrize("name", ["a.png.txt", "a.png.json"])
def test_a_sidecar_may_keep_the_ending_of_its_picture(name: str, tmp_path: Path) -> None:
    path = picture(tmp_path)
    (tmp_path / name).write_text(INFOTEXT if name.endswith("txt") else json.dumps(FOOOCUS))
    for siblings in (None, {"a.png", name}):
        assert read_file(path, siblings).dialect == ("a1111" if name.endswith("txt") else "fooocus")
    assert name in sidecar_names("a.png")
    (tmp_path / "a.txt").write_text("a tag\nanother tag")
    assert read_file(path).dialect is not None


@pytest.mark.parametrize(
    ("video", "place"),
    [
        ("x.mp4", "sidecars/x.json"), ("videos/x.mp4", "sidecars/x.json"),
        ("2026/08/x.mp4", "sidecars/2026/08/x.json"), ("day.1/x.mp4", "sidecars/day.1/x.json"),
    ],
)  # fmt: skip
def test_invokeai_keeps_what_it_knows_of_videos_in_a_folder(video: str, place: str, tmp_path: Path) -> None:
    told = {"positive_prompt": "a tide clock", "seed": 77, "steps": 20, "width": 832, "model": {"name": "Wan2.2 T2V"}}
    for path, data in ((video, files.mp4({})), (place, json.dumps({"invokeai_metadata": json.dumps(told)}).encode())):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    found = read_file(str(tmp_path / video))
    assert (found.dialect, found.parameters.prompt, found.parameters.seed) == ("invokeai", "a tide clock", 77)
    assert (found.parameters.model, found.parameters.width) == ("Wan2.2 T2V", 832)
    still = (tmp_path / video).with_suffix(".png")
    still.write_bytes(files.png())
    assert read_file(str(still)).dialect is None


@pytest.mark.parametrize("wrapped", [True, False])
def test_what_civitai_says_of_a_downloaded_picture(wrapped: bool, tmp_path: Path) -> None:
    meta = {"prompt": "a fox", "negativePrompt": "blurry", "cfgScale": 7, "steps": 30, "sampler": "Euler a", "seed": 9,
            "Size": "832x1216", "Model": "m", "Model hash": "aa11", "clipSkip": 2}  # fmt: skip
    path = picture(tmp_path)
    told = {"id": 5, "generation": {"meta": meta, "resources": []}} if wrapped else {"id": 5, "meta": meta}
    (tmp_path / "a.png.json").write_text(json.dumps(told))
    found = read_file(path).parameters
    assert (found.prompt, found.negative_prompt, found.cfg_scale, found.seed) == ("a fox", "blurry", 7.0, 9)
    assert (found.width, found.height, found.model, found.model_hash, found.clip_skip) == (832, 1216, "m", "aa11", 2)
    (tmp_path / "a.png.json").write_text(json.dumps({"meta": {"title": "a fox", "author": "x"}}))
    assert read_file(path).dialect is None


def test_an_infotext_among_the_notes_of_a_collection(tmp_path: Path) -> None:
    path = picture(tmp_path)
    beside = tmp_path / "a.png.json"
    beside.write_text(json.dumps({"tags": ["fox", "Steps of Rome"], "notes": {"parameters": INFOTEXT}}))
    assert (read_file(path).dialect, read_file(path).parameters.seed) == ("a1111", 4179307297)
    beside.write_text(json.dumps({"tags": ["fox"], "notes": ["Steps: none"]}))
    assert read_file(path).dialect is None
    beside.write_text(json.dumps({"a": [{"b": [["x"] * 90] * 90}] * 90}))
    assert read_file(path).dialect is None
