"""What is wrong with settings, in a sentence each."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from dtk_tui.setting_sources import typed
from dtk_tui.settings import checked, faults

_WHOLE, _NUMBER, _LIST = "a whole number belongs here", "a number belongs here", "a list belongs here"
#: Key, value as TOML, and what is said of it.
WRONG = (
    ("worker.batch_size", '"many"', _WHOLE),
    ("worker.batch_size", "1.5", _WHOLE),
    ("worker.batch_size", "0", "too small; 1 is the least"),
    ("worker.batch_size", "5000", "too large; 1024 is the most"),
    ("worker.decode_threads", "257", "too large; 256 is the most"),
    ("worker.max_retries", "-1", "too small; 0 is the least"),
    ("worker.max_retries", "[]", _WHOLE),
    ("worker.lease_s", '"long"', _NUMBER),
    ("worker.lease_s", "0.5", "too small; 1 is the least"),
    ("worker.read_s", "nan", "belongs here"),
    ("worker.read_s", "4000", "too large; 3600 is the most"),
    ("worker.devices", "0", _LIST),
    ("worker.devices", "[]", "the list is empty"),
    ("worker.devices", "[300]", "too large; 255 is the most"),
    ("worker.providers", '["metal"]', "one of these belongs here: tensorrt, cuda, cpu"),
    ("worker.providers", '"cuda"', _LIST),
    ("worker.allow_cpu", '"maybe"', "true or false belongs here"),
    ("worker.auto_pause", '"9-17"', "hours belong here"),
    ("worker.log_days", "0", "too small; 1 is the least"),
    ("scan.extensions", '["*.png"]', "write one like .png"),
    ("scan.extensions", "[]", "the list is empty"),
    ("scan.exclude", "[3]", "text belongs here"),
    ("scan.watch", "7", "true or false belongs here"),
    ("scan.processes", "0", "too small; 1 is the least"),
    ("search.nope", "nan", "there is no such setting"),
    ("paths.map", "nan", "a table belongs here"),
    ("search.timeout_s", "0", "too small; 0.1 is the least"),
    ("paths.map", '"/srv"', "a table belongs here"),
    ("paths.map", '{ "images" = "/mnt" }', "'images' is no absolute path"),
    ("preview.protocol", '"ascii"', "one of these belongs here: auto, kitty, sixel, halfblock, text, off"),
    ("preview.protocol", "1", "text belongs here"),
    ("tags.nsfw", '["explicit"]', "write one like explicit>=0.5"),
    ("tags.thresholds", "{ joytag = { general = 2.0 } }", "too large; 1 is the most"),
    ("tags.thresholds", "{ joytag = { general = 0.0 } }", "it must be more than 0"),
    ("models.taggers", '"joytag"', _LIST),
    ("models.text_embedder", "3", "text belongs here"),
    ("models.image_embedders", '["a", "a"]', "names a model twice"),
    ("captions.backend", '"gpt"', "one of these belongs here: llama, openai"),
    ("captions.base_url", '"localhost:8000"', "an address belongs here"),
    ("captions.temperature", "9", "too large; 5 is the most"),
    ("captions.top_p", "0", "it must be more than 0"),
    ("captions.length", '"epic"', "or a number of words belongs here"),
    ("captions.language", '"English!"', "in small letters"),
    ("captions.type", '""', "it is empty"),
    ("captions.templates", '{ "a/b" = "x" }', "is no name for a template"),
    ("captions.max_tokens", "true", "belongs here"),
    ("captions.colour", '"blue"', "there is no such setting"),
    ("keys.app.start", "5", "text belongs here"),
    ("gallery", "{ columns = 3 }", "there is no such setting"),
    ("worker.batch_size", f'"{"9" * 5000}"', _WHOLE),
    ("worker.lease_s", '"1e400"', _NUMBER),
    ("worker.batch_size", '"null"', "leave the setting out"),
    ("captions.devices", '"NULL"', "leave the setting out"),
    ("worker.lease_s", '"-NaN"', _NUMBER),
    ("worker.devices", "1", "a list belongs here: [0, 1]"),
    ("hooks.work_ended", '"tell-me"', 'a list belongs here: ["program", "argument"]'),
    ("keys", '{ main = { search = "f3" } }', 'a name with a dot stands in quotes: "main.search"'),
    ("captions.templates", '{ v1 = { 5 = "x" } }', 'a name with a dot stands in quotes: "v1.5"'),
    ("tags.thresholds", "{ joytag = { v1 = { general = 0.5 } } }", 'in quotes: "v1.general"'),
)


@pytest.mark.parametrize(("key", "value", "said"), WRONG, ids=lambda part: str(part)[:30])
def test_a_wrong_value_has_its_sentence(key: str, value: str, said: str) -> None:
    section, _, name = key.partition(".")
    quoted = f'"{name}"' if "." in name else name
    raw = tomllib.loads(f"[{section}]\n{quoted} = {value}\n" if name else f"{section} = {value}\n")
    found = faults(raw)
    assert list(found) and all(one.startswith(section) for one in found)
    assert any(said in sentence for sentence in found.values()), found


def test_each_of_several_faults_is_told_where_it_stands() -> None:
    found = faults(
        {
            "scan": {"exclude": ["a", 3, "b", 4], "watch": "maybe"},
            "tags": {"thresholds": {"joytag": {"general": 0.5, "rating": 7}, "other": 3}},
            "captions": {"templates": {"good": "x", "empty": ""}, "devices": [0, -1]},
            "models": {"taggers": ["a"], "text_embedders": ["a", "b", "a"]},
            "search": 3,
            "keys": {"app.start": "f5", "app.pause": ","},
            "gallery": {"columns": 3, "rows": 2},
        }
    )
    assert list(found) == [
        "scan.exclude.1", "scan.exclude.3", "scan.watch", "tags.thresholds.joytag.rating", "tags.thresholds.other",
        "captions.templates.empty", "captions.devices.1", "models", "search", "keys.app.pause", "gallery",
    ]  # fmt: skip
    assert found["search"] == "a section belongs here, with a setting a line"


@pytest.mark.parametrize(
    "part", [{"batch_size": "\udcff"}, {"devices": ["\udcff"]}, {"\udcff": 3}, {"read_s": "\ud800"}]
)
def test_bytes_that_are_no_text_have_a_sentence_where_they_cannot_be(part: dict[str, Any]) -> None:
    (sentence,) = faults({"worker": part}).values()
    assert "belongs here" in sentence or "there is no such setting" in sentence
    assert faults({"paths": {"map": {"/library": "/srv/\udcff"}}, "captions": {"name": "\udcff"}}) == {}


def test_a_line_end_is_no_part_of_a_choice() -> None:
    for key, value in (("language", "english\n"), ("length", "any\n"), ("backend", "llama\n")):
        assert list(faults({"captions": {key: value}})) == [f"captions.{key}"]


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("worker.allow_cpu", "yes", True), ("worker.allow_cpu", "Off", False), ("worker.allow_cpu", "1", True),
        ("worker.batch_size", '"8"', 8), ("worker.lease_s", "5", 5.0), ("worker.devices", "0, 1", (0, 1)),
    ],
)  # fmt: skip
def test_what_means_a_value_is_taken_for_it(key: str, text: str, value: object) -> None:
    section, name = key.split(".")
    found = getattr(getattr(checked({section: {name: typed((section, name), text)}}), section), name)
    assert found == value and type(found) is type(value)


def test_many_faults_do_not_take_long_and_most_are_left_out() -> None:
    assert len(faults({"scan": {"exclude": [3] * 200_000}})) == 100
