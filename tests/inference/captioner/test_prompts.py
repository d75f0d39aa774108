"""Prompts: JoyCaption's own words, and templates whose facts are never read as templates."""

from __future__ import annotations

import pytest
from msgspec import ValidationError, convert

from dtk_tui.errors import UsageError
from dtk_tui.inference.captioner.prompts import (
    PictureFacts,
    caption_types,
    find_type,
    options,
    places_of,
    prompt_for,
    unknown_places,
)
from dtk_tui.settings import CaptionSettings

FACTS = PictureFacts(
    prompt="a castle {tags} {name}",
    negative_prompt="blurry",
    file_name="00123.png",
    caption="A fort.",
    tags=(("castle", 0.98), ("sky", 0.6), ("cloud", 0.3)),
)


def _prompt(wanted: str, /, **settings: object) -> str:
    given = convert(settings, CaptionSettings)
    return prompt_for(find_type(given, wanted), given, FACTS)


def test_there_are_the_twelve_types_of_joycaption() -> None:
    known = caption_types(CaptionSettings())
    assert len(known) == 12
    assert [kind.title for kind in known][:3] == ["Descriptive", "Descriptive (Casual)", "Straightforward"]
    for kind in known:
        assert "{" not in kind.plain and "{word_count}" in kind.words and "{length}" in kind.length
    assert len(options()) == 27


@pytest.mark.parametrize(
    ("settings", "prompt"),
    [
        ({}, "Write a detailed description for this image."),
        ({"length": "40"}, "Write a detailed description for this image in 40 words or less."),
        ({"length": "very long"}, "Write a very long detailed description for this image."),
        (
            {"options": ["lighting", "name", "Say who made it."], "name": "Ann"},
            "Write a detailed description for this image. Include information about lighting. If there is a "
            "person/character in the image you must refer to them as Ann. Say who made it.",
        ),
    ],
)
def test_length_and_options_are_put_as_the_model_learned_them(settings: dict[str, object], prompt: str) -> None:
    assert _prompt("descriptive", **settings) == prompt


def test_a_type_is_found_by_name_and_title() -> None:
    assert _prompt("Social Media Post") == _prompt("social-media-post") == _prompt(" SOCIAL-MEDIA-POST ")
    with pytest.raises(UsageError, match="booru-like-tag-list"):
        _prompt("sonnet")


@pytest.mark.parametrize(
    ("template", "prompt"),
    [
        ("About: {prompt}", "About: a castle {tags} {name}"),
        ("Tags: {tags}", "Tags: castle, sky, cloud"),
        ("Tags: {tags:0.5}", "Tags: castle, sky"),
        ("{file_name} without {negative_prompt}, was: {caption}", "00123.png without blurry, was: A fort."),
        ("{length} for {name}", "any for Ann"),
        ('Answer as {"words": 3}', 'Answer as {"words": 3}'),
    ],
)
def test_a_template_is_filled_with_the_pictures_own(template: str, prompt: str) -> None:
    assert _prompt("mine", templates={"mine": template}, name="Ann", options=["lighting"]) == prompt


def test_a_template_of_a_known_name_goes_before_it() -> None:
    settings = CaptionSettings(templates={"midjourney": "Be brief."})
    assert [kind.name for kind in caption_types(settings)].count("midjourney") == 1
    assert prompt_for(find_type(settings, "MidJourney"), settings, FACTS) == "Be brief."


def test_what_a_template_needs_and_what_stands_for_nothing_are_known() -> None:
    assert places_of("{prompt} {tags:0.5} {length} {rating}") == {"prompt", "tags"}
    assert unknown_places("{prompt} {tags:0.5} {length} {rating}") == ["{rating}"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"length": "huge"},
        {"length": "0"},
        {"backend": "gpt"},
        {"base_url": "127.0.0.1:1234"},
        {"when_there": "delete"},
        {"templates": {"": "x"}},
        {"templates": {"a\x1b[31m": "x"}},
        {"slots": 0},
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        convert(wrong, CaptionSettings)
