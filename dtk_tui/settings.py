"""What config.toml may say, and reading it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, Struct, ValidationError, convert
from msgspec.structs import force_setattr

from dtk_tui.errors import DtkError
from dtk_tui.text import one_line

#: A path of Windows: a drive, or a share.
WINDOWS_PATH = re.compile(r"[A-Za-z]:[\\/]|\\\\")
_LARGEST_FILE = 1_000_000

_HOURS = r"([01][0-9]|2[0-3]):[0-5][0-9]"
_LENGTHS = "any|very short|short|medium-length|long|very long|[1-9][0-9]{0,3}"

Text = Annotated[str, Meta(min_length=1)]
Count = Annotated[int, Meta(ge=1, le=256)]
Seconds = Annotated[float, Meta(ge=1, le=3600)]
Devices = Annotated[tuple[Annotated[int, Meta(ge=0, le=255)], ...], Meta(min_length=1)]
Provider = Annotated[str, Meta(pattern=r"^(tensorrt|cuda|cpu)\Z")]


class _Section(Struct, frozen=True, forbid_unknown_fields=True):
    pass


class DatabaseSettings(_Section, frozen=True):
    """Which PostgreSQL holds the library."""

    url: str | None = None
    password_command: Text | None = None


class ModelSettings(_Section, frozen=True):
    """Which models do the work; names as in ``models/manifest.toml``.

    Each embedder has a space of its own. ``text_embedder`` and ``image_embedder`` are those that searches use where the
    query names none, and stand first in the lists: where only the list is given, its first, and where only the one is
    given, it is the list.
    """

    text_embedder: Text = ""
    image_embedder: Text = ""
    text_embedders: Annotated[tuple[str, ...], Meta(min_length=1)] = ()
    image_embedders: Annotated[tuple[str, ...], Meta(min_length=1)] = ()
    taggers: tuple[str, ...] = ("open-nsfw",)
    share_within_bits: Annotated[int, Meta(ge=0, le=8)] = 0
    folder: Text | None = None

    def __post_init__(self) -> None:
        for one, usual in (("text_embedder", "minilm-l6-v2"), ("image_embedder", "dinov2-small")):
            several: tuple[str, ...] = getattr(self, f"{one}s")
            name: str = getattr(self, one) or (several or (usual,))[0]
            if several and name not in several:
                raise ValueError(f"{one} is {name!r}, which is not among {one}s")
            if len(set(several)) != len(several):
                raise ValueError(f"{one}s names a model twice")
            force_setattr(self, one, name)
            force_setattr(self, f"{one}s", (name, *(other for other in several if other != name)))

    @property
    def in_use(self) -> tuple[tuple[str, str], ...]:
        """Name and role of every model in use."""
        return (
            *((name, "text-embedder") for name in self.text_embedders),
            *((name, "image-embedder") for name in self.image_embedders),
            *((name, "tagger") for name in self.taggers),
        )


#: A tag and the score from which it counts, as the rule in ``[tags] nsfw`` has it.
_SCORED_TAG = re.compile(r"\s*(\S(?:.*\S)?)\s*>=\s*(0?\.\d{1,9}|0|1(?:\.0{1,9})?)\s*")


class TagSettings(_Section, frozen=True):
    """From which scores tags hold where a tagger is new to a library, and which flag a picture as NSFW."""

    thresholds: dict[str, dict[str, Annotated[float, Meta(gt=0, le=1)]]] = {}
    nsfw: Annotated[tuple[Annotated[str, Meta(max_length=1000)], ...], Meta(max_length=1000)] = ()

    def __post_init__(self) -> None:
        for value in self.nsfw:
            if not _SCORED_TAG.fullmatch(value):
                raise ValueError(f"{value!r} is no tag with a score; write one like explicit>=0.5")

    @property
    def nsfw_rule(self) -> tuple[tuple[str, float], ...]:
        """The tags, each with the score from which it flags a picture."""
        found = (_SCORED_TAG.fullmatch(value) for value in self.nsfw)
        return tuple((match[1], float(match[2])) for match in found if match)


class WorkerSettings(_Section, frozen=True):
    """How the worker uses the machine."""

    decode_threads: Count | None = None
    batch_size: Annotated[int, Meta(ge=1, le=1024)] | None = None
    max_retries: Annotated[int, Meta(ge=0, le=100)] = 3
    lease_s: Seconds = 60.0
    read_s: Seconds = 60.0
    devices: Devices | None = None
    providers: Annotated[tuple[Provider, ...], Meta(min_length=1)] = ("cuda", "cpu")
    allow_cpu: bool = False
    auto_start: bool = False
    auto_pause: Annotated[str, Meta(pattern=rf"^{_HOURS}-{_HOURS}\Z")] | None = None
    log_days: Annotated[int, Meta(ge=1, le=36500)] = 365


class PathSettings(_Section, frozen=True):
    """Where this host sees the folders of the library: path in the library to path here."""

    map: dict[str, str] = {}

    def __post_init__(self) -> None:
        for folder in (*self.map, *self.map.values()):
            if not (folder.startswith("/") or WINDOWS_PATH.match(folder)):
                raise ValueError(f"{folder!r} is no absolute path")


def _ending(value: str) -> str:
    """Return the end of file names that a person wrote, e.g. ``PNG``, as a scan compares it: ``.png``."""
    name = value.strip().lower().removeprefix(".")
    if not name or not name.isprintable() or set(name) & set("./\\*?[] "):
        raise ValueError(f"{value!r} is no ending of file names; write one like .png")
    return f".{name}"


def _check_pattern(value: str) -> None:
    from pathspec import GitIgnoreSpec

    try:
        GitIgnoreSpec.from_lines([value])
    except (ValueError, re.error) as error:
        raise ValueError(f"{value!r} is no pattern of gitignore") from error


#: What no scan looks into where the config does not say.
_EXCLUDED = (
    "._*", ".DS_Store", ".AppleDouble/", "__MACOSX/", ".Trash/", ".Trashes/", ".Trash-*/", ".dtrash/", "@eaDir/",
    "#recycle/", "#snapshot/", "@Recycle/", "@Recently-Snapshot/", ".@__thumb/", "$RECYCLE.BIN/",
    "$Recycle.Bin/", "System Volume Information/", ".stversions/", ".sync/", ".thumbnails/", ".snapshot/",
    ".snapshots/", ".zfs/", "lost+found/", "**/.local/share/Trash/",
)  # fmt: skip


class ScanSettings(_Section, frozen=True):
    """What a scan reads."""

    extensions: Annotated[tuple[str, ...], Meta(min_length=1)] = (
        ".png", ".jpg", ".jpeg", ".webp", ".avif", ".gif", ".bmp", ".tif", ".tiff", ".jxl", ".heic", ".heif", ".svg",
        ".exr", ".mp4", ".webm", ".mov", ".mkv", ".m4v",
    )  # fmt: skip
    exclude: Annotated[tuple[Annotated[str, Meta(max_length=1000)], ...], Meta(max_length=1000)] = _EXCLUDED
    processes: Count | None = None
    watch: bool = True

    def __post_init__(self) -> None:
        force_setattr(self, "extensions", tuple(map(_ending, self.extensions)))
        if self.exclude is not _EXCLUDED:  # a start need not load what knows patterns
            for pattern in self.exclude:
                _check_pattern(pattern)


class SearchSettings(_Section, frozen=True):
    """What a search may cost."""

    timeout_s: Annotated[float, Meta(ge=0.1, le=3600)] = 30.0


_Command = Annotated[
    tuple[Annotated[str, Meta(min_length=1, max_length=10_000)], ...], Meta(min_length=1, max_length=100)
]


class HookSettings(_Section, frozen=True):
    """Commands that a worker runs: the program and its arguments, without a shell."""

    work_ended: _Command | None = None
    often_failed: _Command | None = None
    failures: Annotated[int, Meta(ge=1, le=100)] = 20
    timeout_s: Seconds = 60.0


class MigrateSettings(_Section, frozen=True):
    """Where people come from."""

    source: str | None = None


class PreviewSettings(_Section, frozen=True):
    """How pictures are drawn, ``auto`` asks the terminal; and which command opens them in another program."""

    protocol: Annotated[str, Meta(pattern=r"^(auto|kitty|sixel|halfblock|text|off)\Z")] = "auto"
    open_with: Annotated[str, Meta(min_length=1, max_length=1000)] = "xdg-open"


class DisplaySettings(_Section, frozen=True):
    """How dense the app is, whether anything in it moves, and how it tells that long work has ended."""

    density: Annotated[str, Meta(pattern=r"^(auto|roomy|compact)\Z")] = "auto"
    motion: bool = True
    notify: Annotated[str, Meta(pattern=r"^(off|bell|osc9|osc777)\Z")] = "off"


_TEMPLATE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.()-]{0,59}")


class CaptionSettings(_Section, frozen=True):
    """Who writes captions, and what is asked."""

    backend: Annotated[str, Meta(pattern=r"^(llama|openai)\Z")] = "llama"
    model: str | None = None
    projector: str | None = None
    server: str | None = None
    slots: Count = 4
    gpu_layers: Annotated[int, Meta(ge=0, le=100_000)] | None = None
    context: Annotated[int, Meta(ge=256, le=1_000_000)] = 4096
    devices: Devices | None = None
    base_url: Annotated[str, Meta(pattern=r"^https?://[^\s/?#]+[^\s?#]*\Z")] | None = None
    key_env: str | None = None
    key_command: str | None = None
    timeout_s: Annotated[float, Meta(ge=1, le=86_400)] = 300.0
    image_size: Annotated[int, Meta(ge=16, le=8192)] | None = None
    type: Annotated[str, Meta(min_length=1, max_length=100)] = "descriptive"
    length: Annotated[str, Meta(pattern=rf"^({_LENGTHS})\Z")] = "any"
    options: tuple[str, ...] = ()
    name: str = ""
    system: str = "You are a helpful image captioner."
    temperature: Annotated[float, Meta(ge=0, le=5)] = 0.6
    top_p: Annotated[float, Meta(gt=0, le=1)] = 0.9
    max_tokens: Annotated[int, Meta(ge=1, le=100_000)] = 512
    when_there: Annotated[str, Meta(pattern=r"^(keep|overwrite|append|refine)\Z")] = "keep"
    with_tags: Annotated[str, Meta(pattern=r"^(sequence|parallel)\Z")] = "sequence"
    language: Annotated[str, Meta(pattern=r"^[a-z_]{1,63}\Z")] = "english"
    templates: dict[str, Text] = {}

    def __post_init__(self) -> None:
        for name in self.templates:
            if not _TEMPLATE_NAME.fullmatch(name):
                raise ValueError(f"{name!r} is no name for a template; use letters, digits and -")


class Settings(_Section, frozen=True):
    """All of config.toml."""

    database: DatabaseSettings = DatabaseSettings()
    models: ModelSettings = ModelSettings()
    tags: TagSettings = TagSettings()
    worker: WorkerSettings = WorkerSettings()
    paths: PathSettings = PathSettings()
    scan: ScanSettings = ScanSettings()
    search: SearchSettings = SearchSettings()
    migrate: MigrateSettings = MigrateSettings()
    captions: CaptionSettings = CaptionSettings()
    hooks: HookSettings = HookSettings()
    preview: PreviewSettings = PreviewSettings()
    display: DisplaySettings = DisplaySettings()
    keys: dict[str, str] = {}

    def __post_init__(self) -> None:
        for value in self.keys.values():
            if not all(key.strip() for key in value.split(",")):
                raise ValueError("keys belong here, like f5, and commas between several: f5,ctrl+s")


def checked(raw: Mapping[str, Any]) -> Settings:
    """Return the settings that the tables of a config file say; raises msgspec.ValidationError for the first fault."""
    # Texts are taken for the numbers and the truth that they spell: as such they stand in the environment.
    try:
        found = convert(raw, Settings, strict=False) if raw else Settings()
    except UnicodeEncodeError:  # of bytes of the environment that are no text, where no text belongs
        found = convert(_readable(raw), Settings, strict=False)
    _require_values(raw, found)
    return found


def _require_values(raw: Mapping[str, Any], found: Settings) -> None:
    """Refuse the text null, which would be taken for a setting that is not there; raises msgspec.ValidationError."""
    for section, table in raw.items():
        settings = getattr(found, section)
        if isinstance(settings, _Section) and any(getattr(settings, name) is None for name in table):
            raise ValidationError("null is no value; leave the setting out for its default")


def _readable(value: Any) -> Any:
    """Return a value without the signs that stand for bytes which are no text."""
    if isinstance(value, Mapping):
        return {_readable(name): _readable(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_readable(inner) for inner in value]
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def faults(raw: Mapping[str, Any]) -> dict[str, str]:
    """Return what is wrong with the tables of a config file: keys, each with its sentence."""
    try:
        checked(raw)
    except ValidationError:
        from dtk_tui.setting_faults import sentences

        return sentences(raw, checked)
    return {}


def read_toml(path: Path) -> dict[str, Any]:
    """Return the tables of a config file, unchecked; none where there is no file.

    Raises:
        DtkError: it cannot be read, or is not TOML; says why.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE + 1)
        if len(content) > _LARGEST_FILE:
            raise DtkError(f"The config file {path} cannot be read.", "It is larger than 1 MB: no config is.")
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise DtkError(f"The config file {path} cannot be read.", f"{error.strerror}.") from error
    import tomllib  # a tenth of what reads settings, and for nothing where no file is

    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DtkError(f"The config file {path} cannot be read.", "It is not UTF-8. Save it anew as text.") from error
    except (ValueError, RecursionError) as error:  # also of numbers with thousands of digits, and of depth
        why = one_line(str(error), 300)
        raise DtkError(f"The config file {path} is not valid TOML.", f"{why}. Correct it, or rename it.") from error
