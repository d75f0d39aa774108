"""What becomes of a model's text where there is a caption already."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dtk_tui.domain.captions import Caption, Decision, ModelText, Outcome, WhenThere, decide, in_order, joined, wanted

NOW = datetime(2025, 3, 1, tzinfo=UTC)
MODELS = Caption(1, 7, "a fox", "joy", "descriptive", False, NOW, model="joy")
EDITED = Caption(2, 7, "my fox", "joy", "descriptive", True, NOW)
OWN = Caption(3, 7, "by hand", "user", "descriptive", True, NOW)
OTHER = Caption(4, 7, "other words", "llava", "descriptive", False, NOW, model="llava")
OTHER_TYPE = Caption(5, 7, "1fox", "joy", "booru", True, NOW)

KEEP, OVERWRITE, APPEND, REFINE = WhenThere


def _decide(there: list[Caption], when_there: WhenThere, base_id: int | None) -> Decision:
    return decide(there, ModelText(7, "descriptive", "joy", "new", base_id), when_there)


# What is there, the rule -> whether the model is asked, the old text it gets, outcome, source and text that are stored.
OUTCOMES = [
    ([], KEEP, True, None, "written", "joy", "new"),
    ([], OVERWRITE, True, None, "written", "joy", "new"),
    ([], APPEND, True, None, "written", "joy", "new"),
    ([], REFINE, True, None, "written", "joy", "new"),
    ([MODELS], KEEP, False, None, "kept", "", ""),
    ([MODELS], OVERWRITE, True, None, "written", "joy", "new"),
    ([MODELS], APPEND, True, None, "appended", "joy", "a fox\nnew"),
    ([MODELS], REFINE, True, "a fox", "written", "joy", "new"),
    ([EDITED], KEEP, False, None, "kept", "", ""),
    ([EDITED], OVERWRITE, False, None, "kept", "", ""),
    ([EDITED], APPEND, True, None, "appended", "joy", "my fox\nnew"),
    ([EDITED], REFINE, False, None, "kept", "", ""),
    ([OWN], KEEP, False, None, "kept", "", ""),
    ([OWN], OVERWRITE, False, None, "kept", "", ""),
    ([OWN], APPEND, True, None, "appended", "user", "by hand\nnew"),
    ([OWN], REFINE, False, None, "kept", "", ""),
    ([OTHER], KEEP, False, None, "kept", "", ""),
    ([OTHER], OVERWRITE, True, None, "written", "joy", "new"),
    ([OTHER], APPEND, True, None, "appended", "llava", "other words\nnew"),
    ([OTHER], REFINE, True, "other words", "written", "joy", "new"),
    ([OTHER_TYPE], KEEP, True, None, "written", "joy", "new"),
    ([OTHER_TYPE], OVERWRITE, True, None, "written", "joy", "new"),
]  # fmt: skip


@pytest.mark.parametrize("there, when_there, is_wanted, old_text, outcome, source, text", OUTCOMES)
def test_what_becomes_of_a_text(
    there: list[Caption],
    when_there: WhenThere,
    is_wanted: bool,
    old_text: str | None,
    outcome: str,
    source: str,
    text: str,
) -> None:
    todo = wanted(there, "joy", "descriptive", when_there)
    assert (todo.is_wanted, todo.old_text) == (is_wanted, old_text)
    decision = _decide(there, when_there, todo.base_id)
    assert (decision.outcome, decision.source, decision.text) == (outcome, source, text)
    if decision.outcome is Outcome.APPENDED:
        assert decision.is_user_edited == there[0].is_user_edited, "a person's words stay protected"
    replaced = decision.replaced
    assert replaced is None or (replaced.source, replaced.type) == (decision.source, "descriptive")


BY_WORKER = replace(MODELS, id=9, text="quicker")
BY_PERSON = replace(EDITED, id=9, text="meanwhile")
APPENDED_BY_WORKER = replace(OWN, id=9, text="by hand\nquicker", model="joy")

# What was there at the begin, what is there at the end, the rule -> outcome and text.
MEANWHILE = [
    ([], [BY_WORKER], KEEP, "kept", ""),
    ([], [BY_WORKER], OVERWRITE, "kept", ""),
    ([], [BY_WORKER], APPEND, "kept", ""),
    ([MODELS], [BY_WORKER], OVERWRITE, "kept", ""),
    ([MODELS], [BY_WORKER], APPEND, "kept", ""),
    ([MODELS], [BY_WORKER], REFINE, "kept", ""),
    ([OWN], [APPENDED_BY_WORKER], APPEND, "kept", ""),
    ([], [OTHER], OVERWRITE, "written", "new"),
    ([], [BY_PERSON], KEEP, "kept", ""),
    ([], [BY_PERSON], OVERWRITE, "set aside", "new"),
    ([MODELS], [BY_PERSON], OVERWRITE, "set aside", "new"),
    ([MODELS], [BY_PERSON], REFINE, "set aside", "new"),
    ([MODELS], [BY_PERSON], APPEND, "appended", "meanwhile\nnew"),
    ([MODELS], [MODELS, OWN], OVERWRITE, "set aside", "new"),
    ([MODELS], [], OVERWRITE, "kept", ""),
    ([MODELS], [], APPEND, "kept", ""),
]  # fmt: skip


@pytest.mark.parametrize("before, after, when_there, outcome, text", MEANWHILE)
def test_what_becomes_of_a_text_that_others_were_quicker_than(
    before: list[Caption], after: list[Caption], when_there: WhenThere, outcome: str, text: str
) -> None:
    base_id = wanted(before, "joy", "descriptive", when_there).base_id
    decision = _decide(after, when_there, base_id)
    assert (decision.outcome, decision.text) == (outcome, text)


def test_a_persons_text_comes_first_then_the_newest() -> None:
    later = replace(OTHER, id=8, created_at=NOW + timedelta(hours=1))
    assert in_order([MODELS, OTHER, later, OWN]) == [OWN, later, OTHER, MODELS]


@pytest.mark.parametrize("old, whole", [("a ", "a \nb"), ("a\n", "a\nb"), ("a\r\n", "a\r\nb"), ("", "b")])
def test_an_appended_text_leaves_the_old_one_as_it_is(old: str, whole: str) -> None:
    assert joined(old, "b") == whole
