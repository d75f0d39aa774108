"""Which of several savers of a ComfyUI graph wrote a file: the one whose ``filename_prefix`` begins its first name.

As folder_paths.get_save_image_path of ComfyUI fills prefixes in, and as its editor fills in ``%date:...%`` and
``%Node.widget%`` before; a saver of an extension has placeholders of its own.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from dtk_tui.metadata.comfy.computing.undecidable import UndecidableError
from dtk_tui.metadata.comfy.graph import Graph, Node
from dtk_tui.metadata.comfy.texts import TextFinder

_PICTURES = ("images", "image", "video", "frames", "pixels", "img", "svg")
_PREFIXES = ("filename_prefix", "filename", "file_name", "prefix", "save_prefix")
# These keep the graph alone; savers of extensions write an infotext as well.
_PLAIN_SAVERS = frozenset(
    {
        "SaveImage", "SaveImageAdvanced", "SaveImageWebsocket", "SaveAnimatedWEBP", "SaveAnimatedPNG", "SaveVideo",
        "SaveWEBM", "SaveSVGNode", "VHS_VideoCombine",
    }
)  # fmt: skip
_VIDEO_SAVERS = re.compile(r"video|webm|gif|animated", re.IGNORECASE)
# These write files of one ending only.
_ENDINGS = {"SaveImage": "png", "SaveAnimatedPNG": "png", "SaveAnimatedWEBP": "webp", "SaveWEBM": "webm"}
_VIDEO_ENDINGS = frozenset({"mp4", "webm", "mkv", "mov", "avi", "m4v"})
_NOT_PICTURES = re.compile(r"audio|latent|checkpoint|lora(?!manager)|glb|mesh")
_PREVIEWS = re.compile(r"ComfyUI_temp_[a-z]{5}_\d{5}_")
#: Of so many savers the names are compared, and of so many the settings.
_NAME_LIMIT, _SAVER_LIMIT = 200, 12
_PREFIX_CHARS, _PLACEHOLDER_LIMIT = 500, 16

# What stands behind the prefix in the names that savers make: a counter.
_COUNTER = re.compile(r"[_\-. ]?\d{1,8}_?(?:-audio)?(?:\.[A-Za-z0-9]{1,5})?")
_CORE_COUNTER = re.compile(r"_\d{5,8}_?(?:-audio)?\.[A-Za-z0-9]{1,5}")
_ENDING = re.compile(r"\.[A-Za-z0-9]{1,5}")
_NUMBERS = {"year": r"\d{4}", "width": r"\d{1,6}", "height": r"\d{1,6}"} | dict.fromkeys(
    ("month", "day", "hour", "minute", "second"), r"\d\d"
)
_DATE_PARTS = re.compile(r"y{2,4}|M{1,2}|d{1,2}|h{1,2}|m{1,2}|s{1,2}")
_PLACEHOLDER = re.compile(r"%(?:date:(?P<date>[^%]{0,80})|(?P<name>[^%]{1,80}))%|\[time(?:\([^\]]{0,80}\))?\]")
# ComfyUI-Image-Saver ends its placeholders with nothing.
_OPEN_PLACEHOLDER = re.compile(
    r"%(?:time_format|counter)<[^>]{0,80}>|%(?:date|time|basemodelname|model|width|height|seed|counter|sampler_name|steps"
    r"|cfg|scheduler_name|denoise|clip_skip|custom)"
)
_ANYTHING = ".{1,200}?"


def savers(graph: Graph, name: str | None, *, has_infotext: bool) -> list[Node]:
    """Return the nodes that may have saved a file of this name, of each picture one; none where no node saves.

    Args:
        name: the first name that the file is known to have had.
        has_infotext: an infotext stands beside the graph, as savers of extensions write it.
    """
    found = [node for node in graph.nodes.values() if _is_saver(node) and _picture(graph, node) is not None]
    if len(found) == 1 and (name is None or name[:13] != "ComfyUI_temp_"):
        return found
    if name is not None and _PREVIEWS.match(name):
        shown = [node for node in graph.nodes.values() if "preview" in node.kind.lower() and _picture(graph, node)]
        found = shown or found
    elif len(found) > 1:
        if has_infotext:
            found = [node for node in found if writes_infotext(node)] or found
        if name is not None:
            found = _by_ending(found, name)
            found = _by_name(graph, found[:_NAME_LIMIT], unicodedata.normalize("NFC", name)) or found
    by_picture = {str(_picture(graph, node)): node for node in reversed(found[:_NAME_LIMIT])}
    return list(reversed(by_picture.values()))[:_SAVER_LIMIT]


def writes_infotext(node: Node) -> bool:
    """Return whether a saver writes, when it runs, what it was given as an infotext."""
    if node.kind in _PLAIN_SAVERS or not _saves(node.kind):
        return False
    return "metadata" in node.kind.lower() or any(name in node.inputs for name in _PICTURES)


def _is_saver(node: Node) -> bool:
    return _saves(node.kind) and not (node.kind == "VHS_VideoCombine" and node.inputs.get("save_output") is False)


@lru_cache(maxsize=2048)
def _saves(kind: str) -> bool:
    """Return whether nodes of a class save pictures, as far as its name tells."""
    name = kind[:200].lower()
    return ("save" in name or "videocombine" in name) and _NOT_PICTURES.search(name) is None


def _picture(graph: Graph, node: Node) -> object:
    """Return the link to the picture that a node is given, or None."""
    inputs = node.inputs
    for name in _PICTURES:
        if name in inputs and graph.link(inputs[name]) is not None:
            return inputs[name]
    return None


def _by_ending(found: list[Node], name: str) -> list[Node]:
    """Return the savers of videos for a video, and the others for a picture, where there are some of both."""
    ending = name.rpartition(".")[2].lower()
    if ending in _ENDINGS.values():
        found = [node for node in found if _ENDINGS.get(node.kind, ending) == ending] or found
    is_video = ending in _VIDEO_ENDINGS
    of_kind = [node for node in found if (_VIDEO_SAVERS.search(node.kind) is not None) == is_video]
    if not is_video:
        of_kind += [node for node in found if node.kind in ("VHS_VideoCombine", "SaveAnimatedWEBP", "SaveAnimatedPNG")]
    return of_kind or found


def _by_name(graph: Graph, found: list[Node], name: str) -> list[Node]:
    """Return the savers whose prefix begins the name: as the saver would go on where one does, else the longest."""
    scores = [(_score(graph, node, name), node) for node in found]
    best = max((score for score, _ in scores if score is not None), default=None)
    return [node for score, node in scores if score is not None and score == best]


def _score(graph: Graph, node: Node, name: str) -> tuple[bool, int] | None:
    """Return (whether a counter follows, letters that are no placeholder), or None for a prefix of another name."""
    key = next((key for key in _PREFIXES if key in node.inputs), None)
    if key is None:
        return None
    try:
        prefix = TextFinder(graph, positive=True).text(node.inputs[key])
    except UndecidableError:
        return None
    if not prefix or len(prefix) > _PREFIX_CHARS or prefix.count("%") > _PLACEHOLDER_LIMIT:
        return None
    pattern, letters = _pattern(unicodedata.normalize("NFC", prefix), is_open=key != "filename_prefix")
    follows = f"(?:{_COUNTER.pattern}|{_ENDING.pattern})" if letters else _CORE_COUNTER.pattern
    exact = re.compile(f"(?:{pattern}){follows}").fullmatch(name) is not None
    if exact or (letters and re.compile(pattern).match(name)):
        return exact, letters
    return None


def _pattern(prefix: str, *, is_open: bool) -> tuple[str, int]:
    """Return an expression for the last part of a prefix as a path, and how many letters of it are no placeholders."""
    parts = list(_parts(prefix.rstrip("/\\"), _OPEN_PLACEHOLDER if is_open and "%" in prefix else _PLACEHOLDER))
    expression, letters = "", 0
    for is_literal, part in parts:
        last = re.split(r"[/\\]", part)[-1] if is_literal else part
        if is_literal and last != part:
            expression, letters = "", 0
        if not (part == _ANYTHING and expression.endswith(_ANYTHING)):
            expression += re.escape(last) if is_literal else part
        letters += len(last) if is_literal else 0
    return expression, letters


def _parts(prefix: str, placeholder: re.Pattern[str]) -> Iterator[tuple[bool, str]]:
    """Yield (True, literal) and (False, expression of a placeholder)."""
    end = 0
    for match in placeholder.finditer(prefix):
        yield True, prefix[end : match.start()]
        end = match.end()
        groups = match.groupdict()
        if groups.get("date") is not None:
            yield from _date_parts(str(groups["date"]))
        else:
            yield False, _NUMBERS.get(str(groups.get("name")), _ANYTHING)
    yield True, prefix[end:]


def _date_parts(layout: str) -> Iterator[tuple[bool, str]]:
    """Yield the parts of a date such as ``yyyy-MM-dd``, which may be folders as well."""
    end = 0
    for match in _DATE_PARTS.finditer(layout):
        yield True, layout[end : match.start()]
        end = match.end()
        # A single letter is filled up to nothing.
        yield False, rf"\d{{{len(match[0])}}}" if len(match[0]) > 1 else r"\d{1,2}"
    yield True, layout[end:]
