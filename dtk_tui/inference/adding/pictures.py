"""What a folder says of a model that takes pictures: size, fit, filter, mean and std.

Sources: preprocessor_config.json of transformers' image processors, ``pretrained_cfg`` in the config.json of timm's
models, and the taggers of this manifest, whose folders say nothing of it.
"""

from __future__ import annotations

from typing import Any

from dtk_tui.inference.adding.entry import Entry
from dtk_tui.inference.adding.folder import ModelFolder, part, triple, whole
from dtk_tui.inference.graphs.signature import Signature
from dtk_tui.inference.manifest import load_manifest

#: Pillow's numbers of filters, as image processors keep them.
_FILTERS = {1: "lanczos", 2: "bilinear", 3: "bicubic"}
#: Outputs that hold a projected vector, by the names that exporters give them.
_PROJECTED = ("image_embeds", "image_features")


def describe_picture(entry: Entry, folder: ModelFolder, graph: Signature) -> None:
    """Note what a folder says of how a picture becomes the model's input."""
    _layout(entry, graph)
    processor = folder.json("preprocessor_config.json")
    timm = part(folder.json("config.json"), "pretrained_cfg")
    if folder.has("selected_tags.csv") and entry.get("image.layout") == "nhwc":
        _as(entry, "wd-vit-tagger-v3", "as all WD taggers (selected_tags.csv, channels last)")
    elif folder.has("top_tags.txt"):
        _as(entry, "joytag", "as JoyTag (top_tags.txt)")
    elif processor:
        _processor(entry, processor)
    elif timm:
        _timm(entry, timm)
    for key, reason in (
        ("size", "neither the graph nor a file says how large pictures are"),
        ("fit", "no file says how a picture is brought to its size: shortest-edge, squash or pad?"),
        ("filter", "no file says how pictures are scaled: bicubic, bilinear or lanczos?"),
        ("channels", "no file says the order of the channels: rgb or bgr?"),
    ):
        if entry.get(f"image.{key}") is None:
            entry.lacks(f"image.{key}", reason)


def describe_dims(entry: Entry, folder: ModelFolder, graph: Signature) -> None:
    """Note how long the vectors of an image embedder are."""
    outputs = [*graph.outputs_of_rank(2), *graph.outputs_of_rank(3)]
    known = next((value for value in outputs if value.shape[-1] is not None), None)
    if known is not None:
        entry.found("dims", known.shape[-1], f"the graph's output {known.name}")
        return
    config = folder.json("config.json")
    is_projected = bool(outputs) and outputs[0].name in _PROJECTED
    length = (whole(config, "projection_dim") if is_projected else None) or whole(
        part(config, "vision_config") or config, "hidden_size"
    )
    if length is not None:
        entry.found("dims", length, "config.json")
    else:
        entry.lacks("dims", "neither the graph nor config.json says how long the vectors are")


def _layout(entry: Entry, graph: Signature) -> None:
    (picture,) = graph.inputs
    _, first, second, last = picture.shape
    if last == 3 and first != 3:
        entry.found("image.layout", "nhwc", "the graph")
        edge, other = first, second
    else:
        edge, other = second, last
        if first == 3:
            entry.found("image.layout", "nchw", "the graph")
        else:
            entry.assume("image.layout", "nchw", "the graph leaves it open")
    if edge is not None and edge == other:
        entry.found("image.size", edge, "the graph")


def _as(entry: Entry, name: str, reason: str) -> None:
    """Take over how a model of the manifest prepares its pictures."""
    image = load_manifest().get(name).image
    if image is None:
        return
    if entry.get("image.size") is None:
        entry.assume("image.size", image.size, reason)
    for key in ("channels", "fit", "filter", "divide", "mean", "std", "background"):
        entry.assume(f"image.{key}", getattr(image, key), reason)


def _processor(entry: Entry, settings: dict[str, Any]) -> None:
    """Take over an image processor of transformers."""
    source = "preprocessor_config.json"
    kind = str(settings.get("image_processor_type") or settings.get("feature_extractor_type") or "")
    entry.assume("image.channels", "rgb", "as all image processors")
    crop, size = settings.get("crop_size"), settings.get("size")
    shortest = whole(size, "shortest_edge")
    height, width = whole(size, "height"), whole(size, "width")
    if isinstance(size, int):
        is_squashed = settings.get("do_center_crop") is not True and not kind.startswith("CLIP")
        height = width = size if is_squashed else None
        shortest = None if is_squashed else size
    edge = crop if isinstance(crop, int) else whole(crop, "height")
    is_cropped = settings.get("do_center_crop") is True and edge is not None
    if "crop_pct" in settings or settings.get("do_pad") is True or settings.get("do_resize") is False:
        entry.lacks("image.fit", f"what {source} says of cropping or padding is not known here")
    elif shortest is not None and is_cropped:
        entry.found("image.fit", "shortest-edge", source)
        entry.found("image.resize", shortest, source)
    elif height is not None and height == width:
        entry.found("image.fit", "squash", source)
        entry.found("image.resize", height, source)
    if entry.get("image.size") is None and (found := edge if is_cropped else height) is not None:
        entry.found("image.size", found, source)
    if (name := _FILTERS.get(settings.get("resample", -1))) is not None:
        entry.found("image.filter", name, source)
    if settings.get("do_rescale") is not False:
        factor = settings.get("rescale_factor", 1 / 255)
        if isinstance(factor, int | float) and factor > 0:
            entry.found("image.divide", round(1 / factor, 6), source)
    if settings.get("do_normalize") is not False:
        for key, ours in (("image_mean", "image.mean"), ("image_std", "image.std")):
            if (values := triple(settings, key)) is not None:
                entry.found(ours, values, source)
            else:
                entry.lacks(ours, f"{source} has no {key} of three channels")


def _timm(entry: Entry, settings: dict[str, Any]) -> None:
    """Take over how timm prepares the pictures of a model in front of it (timm/data/transforms_factory.py)."""
    source = "config.json (pretrained_cfg)"
    entry.assume("image.channels", "rgb", "as all models of timm")
    entry.assume("image.divide", 255.0, "as all models of timm")
    shape = settings.get("input_size")
    if entry.get("image.size") is None and isinstance(shape, list) and len(shape) == 3 and shape[1] == shape[2]:
        entry.found("image.size", shape[1], source)
    share, mode, size = settings.get("crop_pct"), settings.get("crop_mode", "center"), entry.get("image.size")
    if mode in ("center", "squash") and isinstance(share, int | float) and 0 < share <= 1 and isinstance(size, int):
        entry.found("image.fit", "shortest-edge" if mode == "center" else "squash", source)
        entry.found("image.resize", int(size / share), source)
    if settings.get("interpolation") in _FILTERS.values():
        entry.found("image.filter", settings["interpolation"], source)
    for key in ("mean", "std"):
        if (values := triple(settings, key)) is not None:
            entry.found(f"image.{key}", values, source)
        else:
            entry.lacks(f"image.{key}", f"{source} has no {key} of three channels")
