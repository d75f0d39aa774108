"""What an edit does to a text."""

from __future__ import annotations

import pytest

from dtk_tui.domain.caption_edit import MAX_ARGUMENT, CaptionEdit, TooLongError, edited, fault, needs
from dtk_tui.domain.captions import MAX_LENGTH

FACTS = {"prompt": "a {tags} castle", "tags": "1fox, {caption}", "file_name": "a.png"}


@pytest.mark.parametrize(
    "edit, text, result",
    [
        (CaptionEdit("prefix", "ohwx, "), "a fox\r\n", "ohwx, a fox\r\n"),
        (CaptionEdit("suffix", " \x1b"), "a fox", "a fox \x1b"),
        (CaptionEdit("replace", "fo", "FO"), "foxfo Fo", "FOxFO Fo"),
        (CaptionEdit("replace", ".", ""), "a.b", "ab"),
        (CaptionEdit("template", "{caption} ({tags}) {{x}} {file_name}{folder}"), "t", "t (1fox, {caption}) {x} a.png"),
        (CaptionEdit("template", "{prompt}"), "t", "a {tags} castle"),
        (CaptionEdit("trim"), "\n a  fox\t", "a  fox"),
        (CaptionEdit("case", "lower"), "A FOX in SNOW", "a fox in snow"),
        (CaptionEdit("case", "upper"), "a fox, straße", "A FOX, STRASSE"),
        (CaptionEdit("case", "sentence"), " éin Fox of Bob", " Éin Fox of Bob"),
        (CaptionEdit("case", "sentence"), "", ""),
    ],
)
def test_edits(edit: CaptionEdit, text: str, result: str) -> None:
    assert fault(edit) is None
    assert edited(edit, text, FACTS) == result


@pytest.mark.parametrize(
    "edit, told",
    [
        (CaptionEdit("replace", "", "x"), "cannot be empty"),
        (CaptionEdit("regex", "", "x"), "cannot be empty"),
        (CaptionEdit("case", "camel"), "not 'camel'"),
        (CaptionEdit("template", "{caption.__class__}"), "cannot name 'caption.__class__'"),
        (CaptionEdit("template", "{}"), "cannot name ''"),
        (CaptionEdit("template", "{caption"), "{{ puts one"),
        (CaptionEdit("template", "{{{caption}, caption}"), "}} puts one"),
        (CaptionEdit("template", "{tags:2}"), "cannot name 'tags:2'"),
        (CaptionEdit("prefix", "x" * (MAX_ARGUMENT + 1)), "at most"),
    ],
)
def test_edits_that_are_not_understood(edit: CaptionEdit, told: str) -> None:
    assert told in str(fault(edit))


@pytest.mark.parametrize(
    "edit",
    [
        CaptionEdit("suffix", "x"),
        CaptionEdit("replace", "a", "b" * MAX_ARGUMENT),
        CaptionEdit("template", "{caption}" * 11_000),
    ],
)
def test_a_text_that_would_be_too_long_is_not_even_made(edit: CaptionEdit) -> None:
    with pytest.raises(TooLongError):
        edited(edit, "a" * MAX_LENGTH, {})


def test_a_template_reads_only_what_it_names() -> None:
    assert needs(CaptionEdit("template", "{caption} {{tags}} {prompt}")) == {"prompt"}
    assert needs(CaptionEdit("prefix", "{tags}")) == set()
