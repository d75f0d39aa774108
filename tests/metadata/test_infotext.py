"""The infotext of AUTOMATIC1111 and its relatives."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtk_tui.domain.parameters import GenerationParameters, Lora, RawChunk
from dtk_tui.metadata.fields import MetadataFields
from dtk_tui.metadata.infotext import parser
from dtk_tui.metadata.infotext.parameters import infotext_parameters
from dtk_tui.metadata.reader import derive
from dtk_tui.metadata.recogniser import DIALECTS, recognise


def look(text: str, key: str = "parameters") -> tuple[str | None, GenerationParameters]:
    return derive([RawChunk("png", key, text)], 512, 512)


def test_everything_a1111_writes() -> None:
    dialect, found = look(
        "a (cat:1.2), <lora:detail_tweaker:0.8> <lora:style:0.5:0.7>\nsecond line \n"
        "Negative prompt: lowres,\nbad hands\n"
        "Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7.5, Seed: 18446744073709551615, "
        "Size: 512x768, Model hash: 6ce0161689, Model: v1-5-pruned, VAE hash: 735e4c3a44, VAE: vae-ft-mse.ckpt, "
        "Denoising strength: 0.45, Clip skip: 2, Hires upscale: 2, Hires upscaler: R-ESRGAN 4x+, "
        'Lora hashes: "a: 1, b: 2", Version: v1.10.1'
    )
    assert dialect == "a1111"
    assert found == GenerationParameters(
        prompt="a (cat:1.2), <lora:detail_tweaker:0.8> <lora:style:0.5:0.7>\nsecond line",
        negative_prompt="lowres,\nbad hands",
        steps=20,
        sampler="DPM++ 2M",
        scheduler="Karras",
        cfg_scale=7.5,
        seed=2**64 - 1,
        width=512,
        height=768,
        model="v1-5-pruned",
        model_hash="6ce0161689",
        clip_skip=2,
        denoising_strength=0.45,
        vae="vae-ft-mse.ckpt",
        upscaler="R-ESRGAN 4x+",
        loras=(Lora("detail_tweaker", 0.8), Lora("style", 0.7, 0.5)),
    )


@pytest.mark.parametrize(
    ("text", "prompt", "negative"),
    [
        ("Steps: 20, Sampler: Euler a, Seed: 1", "", ""),
        ("Negative prompt: x\nSteps: 20, Seed: 1", "", "x"),
        ("a\r\nNegative prompt: b\r\nSteps: 20, Seed: 1\r\n", "a", "b"),
        ("a\n\n\nNegative prompt: b\n\nSteps: 20, Seed: 1", "a", "b"),
        ("a\nSteps: 20, Seed: 1\nTemplate: a {b|c}\nNegative Template: d", "a", ""),
        ("Steps: 5 to heaven\nNegative prompt: b\nSteps: 20, Seed: 1", "Steps: 5 to heaven", "b"),
        ("a, Negative prompt: inside\nSteps: 20, Seed: 1", "a, Negative prompt: inside", ""),
        ("a\nSampler: Euler, Seed: 1, CFG scale: 7", "a", ""),
        ("a\nNegative prompt: b\nc", "a", "b\nc"),
        ("a\nNegative prompt: b\nSteps: 20| Seed: 1", "a", "b"),
        ("a\nSteps: 20", "a", ""),
    ],
)
def test_where_the_prompt_ends(text: str, prompt: str, negative: str) -> None:
    _, found = look(text)
    assert (found.prompt, found.negative_prompt) == (prompt, negative)


def test_a_prompt_may_begin_with_a_brace() -> None:
    for prompt in ("{masterpiece}, {{best quality}}, 1girl", "{red|blue} hair", "{", '{"a"} b', '{"scene": "sea"}'):
        for source, key in (("png", "parameters"), ("exif", "UserComment"), ("gif-comment", "Comment")):
            found = derive([RawChunk(source, key, f"{prompt}\nNegative prompt: {{x}}\nSteps: 20, Seed: 1")], 8, 8)[1]
            assert (found.prompt, found.negative_prompt, found.seed) == (prompt, "{x}", 1)


@pytest.mark.parametrize(
    "text",
    [
        "Screenshot",
        "",
        "a prompt without anything",
        "note: buy milk, bread",
        "Steps to reproduce: none",
        "{}",
        "Size: 10x10, Seed: 2, Model: Honda",
    ],
)
def test_other_texts_are_no_prompt(text: str) -> None:
    for key in ("parameters", "Comment", "Description", "Software"):
        assert look(text, key) == (None, GenerationParameters())


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("Version: v1.9.4", "a1111"),
        ("Version: f2.0.1v1.10.1-previous-304-g394da019", "forge"),
        ("Version: neo", "forge"),
        ("Version: classic", "forge"),
        ("App: SD.Next, Version: 56a8aea", "sdnext"),
        ('Civitai resources: [{"type":"checkpoint","modelVersionId":1}]', "civitai"),
        ("Version: stable-diffusion.cpp", "sdcpp"),
        ("Version: Fooocus v2.5.5", "fooocus"),
    ],
)
def test_the_program_shows_in_the_settings(settings: str, expected: str) -> None:
    assert look(f"a\nSteps: 20, Seed: 1, Size: 8x8, {settings}")[0] == expected


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ("Seed: -1", "seed"), ("Seed: 18446744073709551616", "seed"), ("Seed: 1e5", "seed"), ("Seed: 0x10", "seed"),
        ("CFG scale: nan", "cfg_scale"), ("CFG scale: inf", "cfg_scale"), ("CFG scale: 1_0", "cfg_scale"),
        ("Size: 512x99999999999", "height"), ("Size: x", "width"), ("Clip skip: 2.5", "clip_skip"),
        ("Model: ,", "model"), ("Denoising strength: high", "denoising_strength"),
    ],
)  # fmt: skip
def test_numbers_are_read_strictly(settings: str, field: str) -> None:
    _, found = look(f"a\nSteps: 20, Sampler: Euler, RNG: CPU, {settings}")
    assert found.prompt == "a"
    assert getattr(found, field) is None


@pytest.mark.parametrize(
    "odd",
    [
        "Tiled", "Pad conds (v0)", '"loose"', "(a:1.2)", 'Detail prompt: "a girl, (grain)", (dream: 1.3)"',
        'Detail prompt: "never closed, and on', "Tiled Diffusion: \"{'Method': 'Mixture', 'width': 96}\"",
        'Model: a"b',
    ],
)  # fmt: skip
def test_a_setting_that_is_no_pair_loses_itself_alone(odd: str) -> None:
    _, found = look(f"a\nNegative prompt: b\nSteps: 20, {odd}, Sampler: Euler a, Seed: 7, Size: 8x16")
    assert (found.prompt, found.negative_prompt) == ("a", "b")
    assert (found.steps, found.sampler, found.seed, found.width, found.height) == (20, "Euler a", 7, 8, 16)


def test_capitals_of_other_writers() -> None:
    _, found = look(
        "a\nNegative Prompt: b\nSteps: 20, sampler: Euler a, CFG Scale: 7.5, SEED: 7, Clip Skip: 2, size: 8x16"
    )
    assert (found.negative_prompt, found.sampler, found.cfg_scale, found.seed) == ("b", "Euler a", 7.5, 7)
    assert (found.clip_skip, found.width, found.height) == (2, 8, 16)
    _, found = look("a\nSteps: 130, Sampler: Euler a, CFG scale: 15, Seed: 4051576822, Denoising Strength: 0.8")
    assert (found.denoising_strength, found.cfg_scale) == (0.8, 15)


def test_what_clients_of_the_ai_horde_write() -> None:
    settings = "Steps: 20, Sampler: k_euler, CFG scale: 9, Seed: 1415104642,Size: 512x640, model: stable_diffusion"
    _, found = look(f"a robot\nNegative prompt: text\n{settings}", "UserComment")
    assert (found.prompt, found.seed, found.height, found.model) == ("a robot", 1415104642, 640, "stable_diffusion")


def test_loras_of_additional_networks() -> None:
    added = "AddNet Enabled: True, AddNet Model 1: ink(3b7e), AddNet Weight A 1: 0.8, AddNet Weight B 1: 0.5"
    older = "AddNet Module 2: LoRA, AddNet Model 2: old(11), AddNet Weight 2: 0.3, AddNet Model 3: None"
    _, found = look(f"a\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 8x8, {added}, {older}")
    assert found.loras == (Lora("ink", 0.8, 0.5), Lora("old", 0.3))


def test_sdnext_names_its_loras_where_the_prompt_does_not() -> None:
    settings = 'Steps: 20, Seed: 1, Size: 8x8, App: SD.Next, LoRA networks: "a, b"'
    assert look(f"x\n{settings}")[1].loras == (Lora("a"), Lora("b"))
    assert look(f"x <lora:a:0.5>\n{settings}")[1].loras == (Lora("a", 0.5),)


def test_civitai_lists_its_loras() -> None:
    resources = [
        {"type": "checkpoint", "modelVersionId": 1, "modelName": "m"},
        {"type": "lora", "weight": 0.65, "modelVersionId": 2, "modelName": "a, b: c"},
        {"type": "lora", "modelVersionId": 3},
        {"type": ["lora"]}, "x",
    ]  # fmt: skip
    dialect, found = look(f"x\nSteps: 20, Seed: 1, Size: 8x8, Civitai resources: {json.dumps(resources)}")
    assert (dialect, found.loras, found.model) == ("civitai", (Lora("a, b: c", 0.65),), "m")
    named = f"x\nSteps: 20, Seed: 1, Size: 8x8, Model: own, Civitai resources: {json.dumps(resources)}"
    assert look(named)[1].model == "own"


@pytest.mark.parametrize(
    "value",
    ["Wildcard prompt: river in __season__\nsoft light", "Wildcard prompt: river\n\nin __season__\n",
     'Wildcard prompt: "river,\nsoft light"', "ADetailer prompt: face\nModel of a ship\nand Steps to the sea"],
)  # fmt: skip
def test_settings_go_on_behind_a_value_with_line_breaks(value: str) -> None:
    _, found = look(f"a\nNegative prompt: b\nSteps: 20, Seed: 7, {value}, Model hash: aa11, Model: m, Clip skip: 2")
    assert (found.prompt, found.negative_prompt, found.seed) == ("a", "b", 7)
    assert (found.model, found.model_hash, found.clip_skip) == ("m", "aa11", 2)


def test_a_text_behind_the_settings_is_no_setting() -> None:
    settings = "Steps: 20, Sampler: Euler, Seed: 7, Clip skip: 2"
    _, found = look(f'a\n{settings}, Civitai metadata: {{"a": 1}}\na note, Model: x')
    assert (found.prompt, found.model) == ("a", None)
    for after in ("Template: a {b|c}, Model: x", "Negative Template: d, Model: x", "a note, Model: x"):
        _, found = look(f"a\n{settings}\n{after}")
        assert (found.prompt, found.seed, found.clip_skip, found.model) == ("a", 7, 2, None), after


@pytest.mark.parametrize("prompt", ["Template: a recipe card, tea", "a card\nTemplate: tea\nNegative Template: x"])
def test_a_prompt_may_hold_the_word_template(prompt: str) -> None:
    _, found = look(f"{prompt}\nNegative prompt: b\nSteps: 20, Seed: 1, Size: 8x8")
    assert (found.prompt, found.negative_prompt) == (prompt, "b")


def test_sdnext_writes_templates_before_the_settings() -> None:
    texts = "a cat\nNegative prompt: b\nTemplate: a {cat|dog}\nNegative template: b"
    _, found = look(f"{texts}\nSteps: 20, Seed: 1, CLiP-skip: 2, App: SD.Next, LoRA networks: ink:0.8")
    assert (found.prompt, found.negative_prompt, found.clip_skip) == ("a cat", "b", 2)
    assert found.loras == (Lora("ink", 0.8),)


def test_words_for_nothing_are_nothing() -> None:
    _, found = look("a\nSteps: 20, Sampler: Euler, Seed: 1, Size: 8x8, Model hash: unknown, Model: Unknown")
    assert (found.model, found.model_hash, found.sampler) == (None, None, "Euler")


def test_json_among_the_settings() -> None:
    resources = '[{"type":"lora","weight":1,"modelName":"a, b: c"},{"x":{"y":[1,2]}}]'
    info = parser.parse_infotext(f'a\nSteps: 20, Civitai resources: {resources}, Hashes: {{"model": "1, 2"}}, Seed: 7')
    assert info is not None
    assert json.loads(info.settings["Civitai resources"])[0]["modelName"] == "a, b: c"
    assert info.settings["Seed"] == "7"


def quote(value: str) -> str:
    """Quote as modules/infotext_utils.py of stable-diffusion-webui does."""
    return json.dumps(value, ensure_ascii=False) if "," in value or "\n" in value or ":" in value else value


words = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp", "Zs"]), min_size=1, max_size=12
)
sentences = st.lists(words, min_size=1, max_size=8).map(" ".join)
values = st.one_of(
    sentences.filter(lambda text: text[0] not in '"{[' and text == text.strip()),
    st.lists(sentences, min_size=2, max_size=4).map(", ".join).filter(lambda text: text[0] not in "{["),
)


@given(
    prompt=st.lists(sentences, min_size=0, max_size=4).map("\n".join),
    negative=st.lists(sentences, min_size=0, max_size=3).map("\n".join),
    seed=st.integers(0, 2**64 - 1),
    steps=st.integers(0, 2**31 - 1),
    cfg=st.floats(-1e6, 1e6, allow_nan=False),
    model=values,
    extras=st.dictionaries(st.from_regex(r"[A-Z][a-z]{1,8}( [a-z]{2,6})?", fullmatch=True), values, max_size=6),
)
def test_what_a1111_writes_comes_back(
    prompt: str, negative: str, seed: int, steps: int, cfg: float, model: str, extras: dict[str, str]
) -> None:
    settings = {
        "Steps": str(steps),
        "Sampler": "Euler a",
        "CFG scale": f"{cfg:f}",
        "Seed": str(seed),
        "Size": "512x640",
    }
    settings |= {"Model": model} | {key: value for key, value in extras.items() if key not in settings | {"Model": ""}}
    line = ", ".join(f"{key}: {quote(value)}" for key, value in settings.items())
    if any(part.lstrip().startswith(("Negative prompt:", "Template:", "Steps:")) for part in prompt.split("\n")):
        return
    text = prompt + (f"\nNegative prompt: {negative}" if negative else "") + "\n" + line
    info = parser.parse_infotext(text)
    assert info is not None
    assert info.prompt == prompt.strip()
    assert info.negative_prompt == negative.strip()
    assert info.settings == settings
    found = infotext_parameters(info)
    assert (found.steps, found.seed, found.width, found.height) == (steps, seed, 512, 640)
    assert found.cfg_scale == float(f"{cfg:f}")


_PIECES = st.sampled_from(
    ["Steps: 20", "Steps", "Sampler: Euler a", "Seed : 5", "Seed\t: 5", "Model:\u00a0a b ", "Version: Fooocus v2.5",
     "Version: stable-diffusion.cpp", "Negative prompt: bad", "Negative ", "Template: x", "\n", "\n\n", "\r\n", ",",
     ", ", " ", "\t", '"', 'Hashes: "a: 1, b"', '{"a": 1}', "Foo bar-/.+(): x", "a" * 82 + ": v", "\u00e9: 1", "::",
     "class_type", "extraMetadata"]
)  # fmt: skip


@given(st.lists(_PIECES, max_size=14).map("".join))
def test_short_cuts_find_what_the_whole_search_finds(text: str) -> None:
    whole = next((found for read in DIALECTS if (found := read(MetadataFields({"parameters": text}, 512, 512)))), None)
    assert recognise(MetadataFields({"parameters": text}, 512, 512)) == whole
    for place in range(len(text) + 1):
        assert parser.pairs(text, place) == parser._all_pairs(text, place)
