"""What stands in a caption file."""

from __future__ import annotations

import pytest

from dtk_tui.domain.caption_files import CaptionFormat, compose

TAGS = ("hatsune_miku_(vocaloid)", "1girl", "^_^", "Blue_Hair", "blue_hair", r"a_\(b)")


@pytest.mark.parametrize(
    "form, content",
    [
        (CaptionFormat(), "A fox. In snow."),
        (CaptionFormat(keep_lines=True), "A fox.\n\n In snow."),
        (CaptionFormat(trigger="ohwx man, "), "ohwx man, A fox. In snow."),
        (CaptionFormat(("tags",)), r"hatsune miku (vocaloid), 1girl, ^_^, Blue Hair, blue hair, a \(b)"),
        (
            CaptionFormat(("tags",), escape=True, underscores=True),
            r"hatsune_miku_\(vocaloid\), 1girl, ^_^, Blue_Hair, blue_hair, a_\(b\)",
        ),
        (
            CaptionFormat(("tags", "caption"), by_name=True, trigger="1girl"),
            r"1girl, ^_^, a \(b), Blue Hair, blue hair, hatsune miku (vocaloid), A fox. In snow.",
        ),
        (
            CaptionFormat(("caption", "tags")),
            r"A fox. In snow., hatsune miku (vocaloid), 1girl, ^_^, Blue Hair, blue hair, a \(b)",
        ),
    ],
)
def test_files(form: CaptionFormat, content: str) -> None:
    assert compose(form, "A fox.\n\n In snow.\n", TAGS) == content


def test_what_has_nothing_but_a_trigger_has_no_file() -> None:
    assert compose(CaptionFormat(trigger="ohwx"), " \n", TAGS) is None
    assert compose(CaptionFormat(("tags",), trigger="1girl"), "a fox", ["1girl", " "]) is None
    assert compose(CaptionFormat(("tags", "caption")), None, ["a_tag"]) == "a tag"


def test_tags_that_become_the_same_stand_once() -> None:
    assert compose(CaptionFormat(("tags",)), None, ["blue_hair", "blue hair", "x"]) == "blue hair, x"
