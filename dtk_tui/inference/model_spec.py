"""Models as data, so that a new one needs no code: what an entry of a manifest says."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Literal

from msgspec import Meta, Struct

Role = Literal["text-embedder", "image-embedder", "tagger", "captioner"]
Triple = tuple[float, float, float]
Positive = Annotated[int, Meta(ge=1)]
Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]

ENTRY = "model.toml"
"""The file in a model's folder that describes a model which was added."""
RECORDS = (ENTRY, "installed.json", "verified.json", "source.json", "measured.json")
"""What the program itself writes into a model's folder: no file of a model has such a name."""


def _require_inside(path: str) -> None:
    """Raise ValueError when a path would leave the folder that it is relative to."""
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or not pure.parts or not path.isprintable() or "\\" in path:
        raise ValueError(f"a file's path must stay in the model's folder: {path!r}")


class ModelFile(Struct, frozen=True, forbid_unknown_fields=True):
    """One file of a model.

    Attributes:
        path: where it lies in the model's folder.
        origin: its path inside the wheel or the hub repository.
        wheel: the wheel that holds it, e.g. ``timm==1.0.31``, where that is not the model's own package.
        supplied: set instead of ``origin`` where nobody publishes the file: what the user has to put there.
        size: bytes, None when unknown.
        sha256: hex, None when unknown.
        data: it holds weights that the ONNX file beside it names; a supplied one is needed only where that is so.
    """

    path: str
    origin: str | None = None
    supplied: str | None = None
    size: Positive | None = None
    sha256: Digest | None = None
    data: bool = False
    wheel: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]+==[A-Za-z0-9.]+\Z")] | None = None

    def __post_init__(self) -> None:
        _require_inside(self.path)
        if self.path in RECORDS:
            raise ValueError(f"{self.path} is a name that dtk itself uses")
        if self.origin is not None and self.supplied is not None:
            raise ValueError(f"{self.path}: origin or supplied, not both")

    @property
    def is_optional(self) -> bool:
        """Whether a model may be whole without it."""
        return self.data and self.supplied is not None


class Cut(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a graph is cut off when the model is pulled: ``session_file`` is ``file`` up to the tensor ``output``."""

    file: str
    output: str


class Conversion(Struct, frozen=True, forbid_unknown_fields=True):
    """What a pull makes ``session_file`` of, where no ONNX file is published: EfficientNet-lite0 as torch has saved it.

    Attributes:
        weights: the state dict.
        synsets, lemmas: lists of WordNet, as ``class_names`` takes them.
        names: the list of the classes' names that is made of them.
        sentence: what stands for a class, with {} for its name. The model then gives the mean of the classes' vectors
            by the text tower, else their probabilities.
    """

    weights: str
    synsets: str
    lemmas: str
    names: str
    sentence: str = ""


class TextInput(Struct, frozen=True, forbid_unknown_fields=True):
    """How a text becomes tokens and how the tokens' states become one vector.

    Attributes:
        tokenizer: ``bert-uncased`` (WordPiece over a plain vocabulary) or ``file`` (a tokenizer.json).
        vocabulary: for ``bert-uncased`` a data file shipped with the program, for ``file`` one of the model's files.
        max_tokens: longer texts are cut off, special tokens included.
        fixed_length: pad every text to ``max_tokens``.
        cpu_batch_tokens, gpu_batch_tokens: bound for texts times padded length in one run.
        pooling: ``mean`` over the mask, ``cls`` (first token), ``eot`` (the highest id, CLIP's end of text), ``graph``
            (the graph gives one vector a text).
        query_prefix: put before a query, never before a stored text.
        clean: what is done to a text before: ``lower`` (lower case), ``canonical`` (also without ASCII punctuation, and
            with single blanks), as SigLIP was trained; for a tokenizer.json that does not do so itself. ``open-clip``
            (extra open-clip) repairs texts as open_clip's own tokenizer, in place of what the tokenizer.json does.
    """

    tokenizer: Literal["bert-uncased", "file"]
    vocabulary: str
    max_tokens: Positive
    pooling: Literal["mean", "cls", "eot", "graph"]
    cpu_batch_tokens: Positive = 512
    gpu_batch_tokens: Positive = 16384
    fixed_length: bool = False
    pad_id: Annotated[int, Meta(ge=0)] = 0
    query_prefix: str = ""
    clean: Literal["nothing", "lower", "canonical", "open-clip"] = "nothing"


class ImageInput(Struct, frozen=True, forbid_unknown_fields=True):
    """How a picture becomes bytes, and how the bytes become what the model takes.

    Attributes:
        size: edge of the square input, pixels.
        fit: ``shortest-edge`` (shortest edge to ``resize``, then the centre), ``squash`` (both edges to ``resize``,
            then the centre), ``pad`` (to a square with ``background``, then to ``size``).
        resize: pixels, ``size`` when left out.
        jpeg: pass the scaled picture through JPEG (quality 75, 4:2:0) before its centre is taken.
        divide, mean, std: value = (byte / divide - mean) / std, by channel in the order of ``channels``.
        background: red, green, blue under transparent pixels and around a padded picture.
    """

    size: Positive
    layout: Literal["nchw", "nhwc"]
    channels: Literal["rgb", "bgr"]
    fit: Literal["shortest-edge", "squash", "pad"]
    filter: Literal["bilinear", "bicubic", "lanczos"]
    resize: Positive | None = None
    jpeg: bool = False
    divide: float = 1.0
    mean: Triple = (0.0, 0.0, 0.0)
    std: Triple = (1.0, 1.0, 1.0)
    background: tuple[int, int, int] = (255, 255, 255)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of one picture as the model's own graph takes it."""
        return (3, self.size, self.size) if self.layout == "nchw" else (self.size, self.size, 3)

    @property
    def geometry(self) -> tuple[object, ...]:
        """What the bytes of a prepared picture depend on: models with the same one share them."""
        return (self.size, self.fit, self.filter, self.resize or self.size, self.jpeg, self.background)

    @property
    def preparation(self) -> dict[str, object]:
        """What the vectors of pictures depend on beside the model's weights, as it is kept with their space."""
        return {
            "size": self.size,
            "fit": self.fit,
            "resize": self.resize or self.size,
            "filter": self.filter,
            "axes": "width, height",
            "jpeg": self.jpeg,
            "background": list(self.background),
            "channels": self.channels,
            "divide": self.divide,
            "mean": list(self.mean),
            "std": list(self.std),
        }


class TagOutput(Struct, frozen=True, forbid_unknown_fields=True):
    """What the scores of a tagger mean.

    Attributes:
        names: the tags in the order of the scores; or ``file``, one of the model's files, in ``format`` ``lines`` (a
            tag a line) or ``wd-csv`` (header tag_id,name,category,count).
        category: of every tag, where the file names none; ``categories`` translates the file's codes.
        exclusive: categories of which only the best tag holds.
        spaces: show underscores as spaces, except in emoticons.
        aliases: a data file shipped with the program, by which taggers with lists of different years name things alike.
        sigmoid: the graph gives logits.
        keep: scores below are not stored at all.
        threshold: from which score a tag holds; ``thresholds`` by category.
    """

    threshold: float
    keep: float = 0.05
    names: tuple[str, ...] = ()
    file: str | None = None
    format: Literal["lines", "wd-csv"] = "lines"
    category: str = "general"
    categories: dict[str, str] = {}
    exclusive: tuple[str, ...] = ()
    thresholds: dict[str, float] = {}
    spaces: bool = False
    aliases: str | None = None
    sigmoid: bool = False

    def __post_init__(self) -> None:
        if bool(self.names) == (self.file is not None):
            raise ValueError("a tagger needs exactly one of names and file")
        if self.aliases is not None:
            _require_inside(self.aliases)

    def threshold_of(self, category: str) -> float:
        """Return the score from which a tag of a category holds."""
        return self.thresholds.get(category, self.threshold)

    @property
    def known_categories(self) -> tuple[str, ...]:
        """Categories of its tags, as far as they are known without its list."""
        return tuple(self.categories.values()) if self.format == "wd-csv" else (self.category,)


class ModelSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """One model.

    Attributes:
        name: unique; also the name of its folder in the models folder.
        source: ``pypi`` (files out of the wheel ``package`` ``package_version``), ``hub`` (``repository`` at
            ``revision``, the default branch when None) or ``local`` (added from a folder; nobody has them but you).
        session_file: the file that runs, one of ``files`` or made from them by ``cut`` or ``conversion``.
        dims: length of an embedder's vectors.
        memory: about how many bytes it takes on a device with its largest batch; None: as its weights say.
        text_tower: of an image embedder, the text embedder whose vectors lie in the same space: a joint space, in which
            words find pictures.
        note: what a person who uses the model should know.
        cpu_batch, gpu_batch: items a batch that use the device best.
    """

    name: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9.\-]*\Z")]
    title: str
    role: Role
    source: Literal["pypi", "hub", "local"]
    licence: str
    session_file: str
    files: tuple[ModelFile, ...]
    sets: tuple[str, ...] = ()
    package: str | None = None
    package_version: str | None = None
    repository: str | None = None
    revision: str | None = None
    dims: Positive | None = None
    memory: Positive | None = None
    text_tower: str | None = None
    note: str = ""
    cpu_batch: Positive = 4
    gpu_batch: Positive = 32
    cut: Cut | None = None
    conversion: Conversion | None = None
    text: TextInput | None = None
    image: ImageInput | None = None
    tags: TagOutput | None = None

    def __post_init__(self) -> None:
        if self.source == "pypi" and not (self.package and self.package_version):
            raise ValueError(f"{self.name}: package and package_version are needed")
        if self.source == "hub" and not self.repository:
            raise ValueError(f"{self.name}: repository is needed")
        if self.role.endswith("embedder") and self.dims is None:
            raise ValueError(f"{self.name}: dims is needed")
        if (self.role == "text-embedder") != (self.text is not None):
            raise ValueError(f"{self.name}: a text-embedder, and only one, has a section text")
        if self.text_tower is not None and self.role != "image-embedder":
            raise ValueError(f"{self.name}: only an image-embedder has a text_tower")
        if (self.role == "tagger") != (self.tags is not None):
            raise ValueError(f"{self.name}: a tagger, and only one, has a section tags")
        if self.role in ("tagger", "image-embedder") and self.image is None:
            raise ValueError(f"{self.name}: a section image is needed")
        self._check_files()

    def _check_files(self) -> None:
        paths = [file.path for file in self.files]
        if len(set(paths)) != len(paths):
            raise ValueError(f"{self.name}: a file stands there twice")
        for path in (self.session_file, *self.made):
            _require_inside(path)
        needed = [self.weights]
        if self.text is not None and self.text.tokenizer == "file":
            needed.append(self.text.vocabulary)
        elif self.text is not None:
            _require_inside(self.text.vocabulary)
        if self.tags is not None and self.tags.file is not None and self.tags.file not in self.made:
            needed.append(self.tags.file)
        for path in needed:
            if path not in paths:
                raise ValueError(f"{self.name}: {path} is not among its files")
        for file in self.files:
            if (self.source == "local") != (file.origin is None and file.supplied is None):
                raise ValueError(f"{file.path}: exactly one of origin and supplied, and neither for a local model")

    @property
    def weights(self) -> str:
        """Path of the published file that holds the weights; its sha256 is the model's identity."""
        if self.conversion:
            return self.conversion.weights
        return self.cut.file if self.cut else self.session_file

    @property
    def made(self) -> tuple[str, ...]:
        """Paths of the files that a pull makes of the published ones."""
        if self.conversion:
            return (self.session_file, self.conversion.names)
        return (self.session_file,) if self.cut else ()

    @property
    def half_file(self) -> str:
        """Path of the same model in half precision, by the name that exporters use; it need not be there."""
        return f"{self.session_file.removesuffix('.onnx')}_fp16.onnx"

    @property
    def known_size(self) -> int:
        """Bytes of all files whose size is known."""
        return sum(file.size or 0 for file in self.files)

    @property
    def memory_estimate(self) -> int | None:
        """About how many bytes it takes on a device; without an entry its weights and a tenth, None when unknown.

        Four taggers with 2.47 GB of weights and four embedders with 7.1 GB were seen to take 2.6 and 7.6 GB.
        """
        weights = [file.size for file in self.files if file.data or file.path == self.weights]
        known = [size for size in weights if size is not None]
        return self.memory or (sum(known) * 11 // 10 if known and len(known) == len(weights) else None)
