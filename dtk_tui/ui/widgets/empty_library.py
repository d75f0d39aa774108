"""What stands in the place of the images while a library has none: the next step."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.content import Content

from dtk_tui.services.models import NeededModel
from dtk_tui.text import file_size


def empty_words(key: Callable[[str], str], models: Sequence[NeededModel]) -> Content:
    """Return what fills an empty library.

    Args:
        key: returns the key of a command as people read it.
        models: those that the config uses.
    """
    missing = [one for one in models if not one.is_here and not one.fault]
    size = sum(one.size or 0 for one in missing)
    about_models: list[str | tuple[str, str]] = []
    if missing:
        what = "the one that is missing" if len(missing) == 1 else f"the {len(missing)} that are missing"
        about_models = [
            "\n\nWork on images needs models: ",
            (key("app.models"), "bold $accent"),
            f" gets {what}{f' ({file_size(size)})' if size else ''}.",
        ]
    return Content.assemble(
        ("This library is empty.", "bold"),
        "\n\nAdd a folder of images with ",
        (key("app.add_folder"), "bold $accent"),
        ",\nor in a shell with ",
        ("dtk scan PATH", "bold $accent"),
        ".\nComing from Diffusion Toolkit? ",
        (key("app.import"), "bold $accent"),
        " imports its database.",
        *about_models,
        "\n\nA first quick pass lists the files, a second one reads how each image was made. "
        "The originals are never changed.",
    )
