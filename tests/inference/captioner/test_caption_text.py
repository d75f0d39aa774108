"""What of an answer is a caption: style is kept, breakdowns are not."""

from __future__ import annotations

import pytest

from dtk_tui.inference.captioner.base import Answer, NoCaptionError
from dtk_tui.inference.captioner.caption_text import caption_of

CAPTIONS = [
    "A dog.",
    "1girl, solo, long hair, blue eyes, blue dress, blue sky, looking at viewer, smile, outdoors",
    "A very, very, very large dog.",
    "Wow!!! So cute... #dog #dogs #dogsofinstagram",
    "The text reads: “HA HA HA HA”. It is black.",
    "A grid of nine photographs. The first shows a dog. The second shows a dog. The third shows a dog.",
    "Ein Hund läuft über die Wiese.",
    "一只狗在草地上奔跑。",
    "A chessboard: black, white, black, white, black, white. A hand moves a pawn.",
    "He says <3 to the user: a heart.",
    "A user interface with a menu.",
    "2024",
    "no, no, no",
]


@pytest.mark.parametrize("text", CAPTIONS)
def test_a_caption_is_kept_as_it_is(text: str) -> None:
    assert caption_of(Answer(f"  {text}\n", finish_reason="stop")) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        (" \n ", "empty"),
        ("</s>", "empty"),
        ("...", "no words"),
        ("!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!", "repeats '!'"),
        ("G" * 300, "repeats 'G'"),
        ("A dog" + " and a dog" * 30, "repeats"),
        ("dog dog dog dog dog", "repeats 'dog'"),
        ("1girl, " * 200, "repeats '1girl'"),
        ("A photograph. " + "The light is soft and the sky is blue, with a few clouds in it. " * 5, "repeats"),
        ("A photograph. " + "The light is soft.\n\n" * 6, "repeats"),
        ("狗" * 50, "repeats '狗'"),
        ("assistant\n\nA dog.", "template"),
        ("A dog.<|eot_id|><|start_header_id|>user<|end_header_id|>", "template"),
        ("[INST] A dog.", "template"),
        ("A dog. <start_of_turn>model", "template"),
        ("<image>\nA dog.", "template"),
        ("ASSISTANT: A dog.", "template"),
        ("### Response:\nA dog.", "template"),
        ("a b " * 20_000 + "".join(f"{number} " for number in range(20_000)), "characters"),
    ],
)
def test_a_breakdown_is_none(text: str, words: str) -> None:
    with pytest.raises(NoCaptionError, match=words) as caught:
        caption_of(Answer(text, finish_reason="stop"))
    assert caught.value.again


@pytest.mark.parametrize(
    "answer",
    [
        Answer("", thoughts="Let me see", finish_reason="length"),
        Answer("", thoughts="Let me see", finish_reason="stop"),
        Answer("<think>Let me see", finish_reason="stop"),
        Answer("<think>Let me see</think>  ", thoughts="x", finish_reason="length"),
    ],
)
def test_another_seed_does_not_help_a_model_that_only_thinks(answer: Answer) -> None:
    with pytest.raises(NoCaptionError, match="max_tokens") as caught:
        caption_of(answer)
    assert not caught.value.again


def test_what_was_cut_off_is_never_taken_for_whole() -> None:
    with pytest.raises(NoCaptionError, match="cut off"):
        caption_of(Answer("A dog runs over a", finish_reason="length"))
