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
    ([OTHER_TYPE], APPEND, True, None, "written", "joy", "new"),
    ([OTHER_TYPE], REFINE, True, None, "written", "joy", "new"),
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
EDITED_OTHER = replace(OTHER, id=9, text="meanwhile", is_user_edited=True, model=None)
APPENDED_TO_EDITED = replace(EDITED, id=9, text="my fox\nquicker", model="joy")
APPENDED_TO_OWN = replace(OWN, id=9, text="by hand\nquicker", model="joy")
APPENDED_TO_OTHER = replace(OTHER, id=9, text="other words\nquicker", model="joy")
OWN_AGAIN = replace(OWN, id=9, text="meanwhile")

# What was there at the begin, what is there at the end -> outcome with keep, overwrite, append and refine, and the
# text that append makes. A worker that has nothing to do at the begin is not even asked.
MEANWHILE = [
    # another worker was quicker
    ([], [BY_WORKER], "kept", "kept", "kept", "kept", ""),
    ([MODELS], [BY_WORKER], "kept", "kept", "kept", "kept", ""),
    ([EDITED], [APPENDED_TO_EDITED], "kept", "set aside", "kept", "set aside", ""),
    ([OWN], [APPENDED_TO_OWN], "kept", "set aside", "kept", "set aside", ""),
    ([OTHER], [OTHER, BY_WORKER], "kept", "kept", "kept", "kept", ""),
    ([OTHER], [APPENDED_TO_OTHER], "kept", "written", "kept", "written", ""),
    # a worker with another model was quicker
    ([], [OTHER], "kept", "written", "kept", "written", ""),
    ([MODELS], [MODELS, OTHER], "kept", "written", "appended", "written", "a fox\nnew"),
    # a person edited, or wrote
    ([], [OWN], "kept", "set aside", "appended", "set aside", "by hand\nnew"),
    ([], [BY_PERSON], "kept", "set aside", "appended", "set aside", "meanwhile\nnew"),
    ([MODELS], [BY_PERSON], "kept", "set aside", "appended", "set aside", "meanwhile\nnew"),
    ([MODELS], [MODELS, OWN], "kept", "set aside", "appended", "set aside", "a fox\nnew"),
    ([EDITED], [BY_PERSON], "kept", "set aside", "appended", "set aside", "meanwhile\nnew"),
    ([OWN], [OWN_AGAIN], "kept", "set aside", "appended", "set aside", "meanwhile\nnew"),
    ([OTHER], [EDITED_OTHER], "kept", "set aside", "appended", "set aside", "meanwhile\nnew"),
    # a person took it away
    ([MODELS], [], "kept", "kept", "kept", "kept", ""),
    ([EDITED], [], "kept", "kept", "kept", "kept", ""),
    ([OWN], [], "kept", "kept", "kept", "kept", ""),
    ([OTHER], [], "kept", "kept", "kept", "kept", ""),
    # something of another type came or went
    ([OTHER_TYPE], [], "written", "written", "written", "written", ""),
    ([], [OTHER_TYPE], "written", "written", "written", "written", ""),
]  # fmt: skip


@pytest.mark.parametrize("before, after, keep, overwrite, append, refine, appended", MEANWHILE)
def test_what_becomes_of_a_text_that_others_were_quicker_than(
    before: list[Caption], after: list[Caption], keep: str, overwrite: str, append: str, refine: str, appended: str
) -> None:
    for when_there, outcome in zip(WhenThere, (keep, overwrite, append, refine), strict=True):
        base_id = wanted(before, "joy", "descriptive", when_there).base_id
        decision = _decide(after, when_there, base_id)
        assert decision.outcome == outcome, when_there
        expected = {"written": "new", "set aside": "new", "appended": appended, "kept": ""}[outcome]
        assert decision.text == expected, when_there
        if outcome == "appended":
            assert decision.replaced in after and decision.is_user_edited == decision.replaced.is_user_edited
        elif outcome in ("written", "set aside"):
            persons = [one for one in after if one.is_user_edited and one.type == "descriptive"]
            assert decision.replaced not in persons or outcome == "set aside", "a person's text stays current"


def test_a_persons_text_comes_first_then_the_newest() -> None:
    later = replace(OTHER, id=8, created_at=NOW + timedelta(hours=1))
    assert in_order([MODELS, OTHER, later, OWN]) == [OWN, later, OTHER, MODELS]


@pytest.mark.parametrize("old, whole", [("a ", "a \nb"), ("a\n", "a\nb"), ("a\r\n", "a\r\nb"), ("", "b")])
def test_an_appended_text_leaves_the_old_one_as_it_is(old: str, whole: str) -> None:
    assert joined(old, "b") == whole
