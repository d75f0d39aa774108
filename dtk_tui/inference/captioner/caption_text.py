"""What of an answer is a caption, and what is none."""

from __future__ import annotations

import re

from dtk_tui.inference.captioner.base import Answer, NoCaptionError

#: No picture takes so many characters; a model that is broken does.
_LONGEST = 50_000
#: What ends a turn in the templates of common models; at the very end it is no part of the caption.
_END = re.compile(
    r"(?:\s*(?:<\|(?:eot_id|eom_id|end_of_text|im_end|endoftext|end|end_of_turn)\|>|</s>|<end_of_turn>|<eos>))+\s*$"
)
_THOUGHT = re.compile(r"^\s*<(think|thinking|thought|reasoning)>(.*?)</\1>", re.DOTALL | re.IGNORECASE)
_OPEN_THOUGHT = re.compile(r"^\s*<(?:think|thinking|thought|reasoning)>", re.IGNORECASE)
_DEBRIS = re.compile(
    r"<\|[a-z_0-9]{2,40}\|>|<(?:start|end)_of_turn>|\[/?INST\]|<</?SYS>>|</?s>|<image>|<unk>|<pad>|<\|channel\|?>"
    r"|^\s*(?:assistant|user|system)\s*(?::|\n)|^\s*###\s*(?:assistant|human|user|instruction|response)\s*:?",
    re.IGNORECASE | re.MULTILINE,
)
#: A phrase of up to so many characters that stands at the end again and again; how often is too often, by its length.
_LONGEST_PHRASE = 400
_LOOKED_AT = 6_000


def caption_of(answer: Answer) -> str:
    """Return the caption in an answer.

    Raises:
        NoCaptionError: there is none, or not a whole one.
    """
    text = answer.text
    while (thought := _THOUGHT.match(text)) is not None:
        text = text[thought.end() :]
    text = _END.sub("", text).strip()
    if _OPEN_THOUGHT.match(text) or (not text and answer.thoughts.strip()):
        raise NoCaptionError(
            "The model thought until its tokens were used up, and said nothing.",
            "Raise max_tokens in [captions], or use a model that does not think.",
            again=False,
        )
    if not text:
        raise NoCaptionError("The answer is empty.", again=True)
    if answer.finish_reason == "content_filter":
        raise NoCaptionError("The server's content filter withheld the answer.", again=False)
    if (phrase := repeated_phrase(text)) is not None:
        shown = phrase if len(phrase) <= 40 else f"{phrase[:40]}..."
        raise NoCaptionError(f"The answer repeats {shown!r} to its end.", again=True)
    if answer.finish_reason == "length":
        number = f" after {answer.tokens:,} tokens" if answer.tokens else ""
        raise NoCaptionError(
            f"The answer was cut off{number}.", "Raise max_tokens in [captions], or ask for less words.", again=True
        )
    if (debris := _DEBRIS.search(text)) is not None:
        raise NoCaptionError(
            f"The answer has pieces of the chat template in it: {debris.group().strip()!r}.",
            "The model or its chat template does not fit.",
            again=True,
        )
    if not any(sign.isalnum() for sign in text):
        raise NoCaptionError("The answer has no words.", f"It was: {text[:60]}", again=True)
    if len(text) > _LONGEST:
        raise NoCaptionError(f"The answer has {len(text):,} characters.", "No caption is that long.", again=True)
    return text


def repeated_phrase(text: str) -> str | None:
    """Return the sign or phrase that a text repeats to its end, or None."""
    tail = re.sub(r"\s+", " ", text[-_LOOKED_AT:].strip())
    if len(words := tail.rstrip(".!")) >= len(tail) - 3:
        tail = words  # the stop that ends a sentence hides no repetition
    for size in range(1, min(_LONGEST_PHRASE, len(tail) // 3) + 1):
        same = 0
        while same < len(tail) - size and tail[-1 - same] == tail[-1 - same - size]:
            same += 1
        often = _too_often(size)
        if same + size >= len(tail) - 1:  # nothing else was said
            often = min(often, 4)
        if same + size >= often * size - 1 and same > 0:
            return tail[-size:].strip(" ,;") or tail[-size:]
    return None


def _too_often(size: int) -> int:
    """Return how often a phrase of some characters in a row is no style any more."""
    if size == 1:
        return 20
    return 8 if size < 6 else 5 if size < 20 else 4 if size < 60 else 3
