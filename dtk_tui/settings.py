"""What config.toml may say, and reading it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from dtk_tui.errors import DtkError
from dtk_tui.setting_faults import sentences
from dtk_tui.text import one_line

#: A path of Windows: a drive, or a share.
WINDOWS_PATH = re.compile(r"[A-Za-z]:[\\/]|\\\\")
_LARGEST_FILE = 1_000_000


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool):  # which Python counts with
        raise ValueError("a number belongs here, not true or false")
    return value


Whole = Annotated[int, BeforeValidator(_no_bool)]
Number = Annotated[float, BeforeValidator(_no_bool), Field(allow_inf_nan=False)]


class _Section(BaseModel):
    # What checks a section is made once, as a part of what checks them all: making it takes longer than checking.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class DatabaseSettings(_Section):
    """Which PostgreSQL holds the library."""

    url: str | None = None
    password_command: Annotated[str, Field(min_length=1)] | None = None


class ModelSettings(_Section):
    """Which models do the work; names as in ``models/manifest.toml``.

    Each embedder has a space of its own. ``text_embedder`` and ``image_embedder`` are those that searches use where the
    query names none, and stand first in the lists: where only the list is given, its first, and where only the one is
    given, it is the list.
    """

    text_embedder: str = "minilm-l6-v2"
    image_embedder: str = "dinov2-small"
    text_embedders: Annotated[tuple[str, ...], Field(min_length=1)] = (text_embedder,)
    image_embedders: Annotated[tuple[str, ...], Field(min_length=1)] = (image_embedder,)
    taggers: tuple[str, ...] = ("open-nsfw",)
    share_within_bits: Annotated[int, Field(ge=0, le=8)] = 0
    folder: Annotated[str, Field(min_length=1)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _with_defaults(cls, raw: Any) -> Any:
        """Fill in the one embedder or the list, where only the other is given, and put the one first."""
        if not isinstance(raw, Mapping):
            return raw
        filled = dict(raw)
        for one in ("text_embedder", "image_embedder"):
            several = filled.get(f"{one}s")
            if one not in filled and isinstance(several, list) and several:
                filled[one] = several[0]
            elif several is None and one in filled:
                filled[f"{one}s"] = [filled[one]]
            elif isinstance(several, list) and filled.get(one) in several:
                filled[f"{one}s"] = [filled[one], *(name for name in several if name != filled[one])]
        return filled

    @model_validator(mode="after")
    def _check_lists(self) -> Self:
        for one in ("text_embedder", "image_embedder"):
            name, several = getattr(self, one), getattr(self, f"{one}s")
            if name not in several:
                raise ValueError(f"{one} is {name!r}, which is not among {one}s")
            if len(set(several)) != len(several):
                raise ValueError(f"{one}s names a model twice")
        return self

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


def _scored_tag(value: str) -> str:
    if not _SCORED_TAG.fullmatch(value):
        raise ValueError(f"{value!r} is no tag with a score; write one like explicit>=0.5")
    return value


class TagSettings(_Section):
    """From which scores tags hold where a tagger is new to a library, and which flag a picture as NSFW."""

    thresholds: dict[str, dict[str, Annotated[Number, Field(gt=0, le=1)]]] = Field(default_factory=dict)
    nsfw: Annotated[
        tuple[Annotated[str, Field(max_length=1000), AfterValidator(_scored_tag)], ...], Field(max_length=1000)
    ] = ()

    @property
    def nsfw_rule(self) -> tuple[tuple[str, float], ...]:
        """The tags, each with the score from which it flags a picture."""
        found = (_SCORED_TAG.fullmatch(value) for value in self.nsfw)
        return tuple((match[1], float(match[2])) for match in found if match)


class WorkerSettings(_Section):
    """How the worker uses the machine."""

    decode_threads: Annotated[Whole, Field(ge=1, le=256)] | None = None
    batch_size: Annotated[Whole, Field(ge=1, le=1024)] | None = None
    max_retries: Annotated[Whole, Field(ge=0, le=100)] = 3
    lease_s: Annotated[Number, Field(ge=1, le=3600)] = 60.0
    read_s: Annotated[Number, Field(ge=1, le=3600)] = 60.0
    devices: Annotated[tuple[Annotated[Whole, Field(ge=0, le=255)], ...], Field(min_length=1)] | None = None
    providers: Annotated[tuple[Literal["tensorrt", "cuda", "cpu"], ...], Field(min_length=1)] = ("cuda", "cpu")
    allow_cpu: bool = False
    auto_start: bool = False
    auto_pause: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$")] | None = None
    log_days: Annotated[Whole, Field(ge=1, le=36500)] = 365


def _folder(value: str) -> str:
    if not (value.startswith("/") or WINDOWS_PATH.match(value)):
        raise ValueError(f"{value!r} is no absolute path")
    return value


Folder = Annotated[str, AfterValidator(_folder)]


class PathSettings(_Section):
    """Where this host sees the folders of the library: path in the library to path here."""

    map: dict[Folder, Folder] = Field(default_factory=dict)


def _ending(value: str) -> str:
    """Return the end of file names that a person wrote, e.g. ``PNG``, as a scan compares it: ``.png``."""
    name = value.strip().lower().removeprefix(".")
    if not name or not name.isprintable() or set(name) & set("./\\*?[] "):
        raise ValueError(f"{value!r} is no ending of file names; write one like .png")
    return f".{name}"


def _pattern(value: str) -> str:
    from pathspec import GitIgnoreSpec

    try:
        GitIgnoreSpec.from_lines([value])
    except (ValueError, re.error) as error:
        raise ValueError(f"{value!r} is no pattern of gitignore") from error
    return value


class ScanSettings(_Section):
    """What a scan reads."""

    extensions: Annotated[tuple[Annotated[str, AfterValidator(_ending)], ...], Field(min_length=1)] = (
        ".png", ".jpg", ".jpeg", ".webp", ".avif", ".gif", ".bmp", ".tif", ".tiff", ".jxl", ".heic", ".heif", ".svg",
        ".exr", ".mp4", ".webm", ".mov", ".mkv", ".m4v",
    )  # fmt: skip
    exclude: Annotated[
        tuple[Annotated[str, Field(max_length=1000), AfterValidator(_pattern)], ...], Field(max_length=1000)
    ] = (
        "._*", ".DS_Store", ".AppleDouble/", "__MACOSX/", ".Trash/", ".Trashes/", ".Trash-*/", ".dtrash/", "@eaDir/",
        "#recycle/", "#snapshot/", "@Recycle/", "@Recently-Snapshot/", ".@__thumb/", "$RECYCLE.BIN/",
        "$Recycle.Bin/", "System Volume Information/", ".stversions/", ".sync/", ".thumbnails/", ".snapshot/",
        ".snapshots/", ".zfs/", "lost+found/", "**/.local/share/Trash/",
    )  # fmt: skip
    processes: Annotated[Whole, Field(ge=1, le=256)] | None = None
    watch: bool = True


class SearchSettings(_Section):
    """What a search may cost."""

    timeout_s: Annotated[Number, Field(ge=0.1, le=3600)] = 30.0


_Command = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=10_000)], ...], Field(min_length=1, max_length=100)
]


class HookSettings(_Section):
    """Commands that a worker runs: the program and its arguments, without a shell."""

    work_ended: _Command | None = None
    often_failed: _Command | None = None
    failures: Annotated[Whole, Field(ge=1, le=100)] = 20
    timeout_s: Annotated[Number, Field(ge=1, le=3600)] = 60.0


class MigrateSettings(_Section):
    """Where people come from."""

    source: str | None = None


class PreviewSettings(_Section):
    """How pictures are drawn, ``auto`` asks the terminal; and which command opens them in another program."""

    protocol: Annotated[str, Field(pattern="^(auto|kitty|sixel|halfblock|text|off)$")] = "auto"
    open_with: Annotated[str, Field(min_length=1, max_length=1000)] = "xdg-open"


class DisplaySettings(_Section):
    """How dense the app is, whether anything in it moves, and how it tells that long work has ended."""

    density: Annotated[str, Field(pattern="^(auto|roomy|compact)$")] = "auto"
    motion: bool = True
    notify: Annotated[str, Field(pattern="^(off|bell|osc9|osc777)$")] = "off"


def _template_name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 _.()-]{0,59}", value):
        raise ValueError(f"{value!r} is no name for a template; use letters, digits and -")
    return value


class CaptionSettings(_Section):
    """Who writes captions, and what is asked."""

    backend: Annotated[str, Field(pattern="^(llama|openai)$")] = "llama"
    model: str | None = None
    projector: str | None = None
    server: str | None = None
    slots: Annotated[Whole, Field(ge=1, le=256)] = 4
    gpu_layers: Annotated[Whole, Field(ge=0, le=100_000)] | None = None
    context: Annotated[Whole, Field(ge=256, le=1_000_000)] = 4096
    devices: Annotated[tuple[Annotated[Whole, Field(ge=0, le=255)], ...], Field(min_length=1)] | None = None
    base_url: Annotated[str, Field(pattern=r"^https?://[^\s/?#]+[^\s?#]*$")] | None = None
    key_env: str | None = None
    key_command: str | None = None
    timeout_s: Annotated[Number, Field(ge=1, le=86_400)] = 300.0
    image_size: Annotated[Whole, Field(ge=16, le=8192)] | None = None
    type: Annotated[str, Field(min_length=1, max_length=100)] = "descriptive"
    length: Annotated[str, Field(pattern=r"^(any|very short|short|medium-length|long|very long|[1-9]\d{0,3})$")] = "any"
    options: tuple[str, ...] = ()
    name: str = ""
    system: str = "You are a helpful image captioner."
    temperature: Annotated[Number, Field(ge=0, le=5)] = 0.6
    top_p: Annotated[Number, Field(gt=0, le=1)] = 0.9
    max_tokens: Annotated[Whole, Field(ge=1, le=100_000)] = 512
    when_there: Annotated[str, Field(pattern="^(keep|overwrite|append|refine)$")] = "keep"
    with_tags: Annotated[str, Field(pattern="^(sequence|parallel)$")] = "sequence"
    language: Annotated[str, Field(pattern=r"^[a-z_]{1,63}$")] = "english"
    templates: dict[Annotated[str, AfterValidator(_template_name)], Annotated[str, Field(min_length=1)]] = Field(
        default_factory=dict
    )


def _keys(value: str) -> str:
    if not all(key.strip() for key in value.split(",")):
        raise ValueError("keys belong here, like f5, and commas between several: f5,ctrl+s")
    return value


class Settings(_Section):
    """All of config.toml."""

    database: DatabaseSettings = Field(default_factory=DatabaseSettings)
    models: ModelSettings = Field(default_factory=ModelSettings)
    tags: TagSettings = Field(default_factory=TagSettings)
    worker: WorkerSettings = Field(default_factory=WorkerSettings)
    paths: PathSettings = Field(default_factory=PathSettings)
    scan: ScanSettings = Field(default_factory=ScanSettings)
    search: SearchSettings = Field(default_factory=SearchSettings)
    migrate: MigrateSettings = Field(default_factory=MigrateSettings)
    captions: CaptionSettings = Field(default_factory=CaptionSettings)
    hooks: HookSettings = Field(default_factory=HookSettings)
    preview: PreviewSettings = Field(default_factory=PreviewSettings)
    display: DisplaySettings = Field(default_factory=DisplaySettings)
    keys: dict[str, Annotated[str, AfterValidator(_keys)]] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _absent_is_empty(cls, raw: dict[str, Any]) -> dict[str, Any]:
        """Check sections that are not there as empty ones: a default of its own would be checked by itself."""
        return {name: {} for name in cls.model_fields} | raw


def faults(raw: Mapping[str, Any]) -> dict[str, str]:
    """Return what is wrong with the tables of a config file: keys, each with its sentence."""
    try:
        Settings.model_validate(raw)
    except ValidationError as error:
        return sentences(error.errors(include_url=False, include_input=False))
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
