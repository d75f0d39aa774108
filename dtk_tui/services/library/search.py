"""Search as people use it: a query line, or an image that others should look like."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from dtk_tui.config import Config
from dtk_tui.domain.library import Hit, ImageDetail, ImageRow
from dtk_tui.domain.query.nodes import CaptionText, Looks, Query
from dtk_tui.domain.query.parser import parse
from dtk_tui.domain.query.scanner import query_error
from dtk_tui.errors import DtkError, UsageError
from dtk_tui.services.library.caption_language import require_language
from dtk_tui.services.library.caption_words import catch_up
from dtk_tui.services.library.folder_rules import known_path
from dtk_tui.services.library.organise.smart_albums import with_smart_albums
from dtk_tui.services.library.queries.examples import Example, combined
from dtk_tui.store.database import Connection, Database, limit_time
from dtk_tui.store.library import embedding_spaces, images
from dtk_tui.store.search.search import SearchResult, find_images, nearest_images
from dtk_tui.store.search.texts import leaves

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from dtk_tui.inference.image_embedder import ImageEmbedder
    from dtk_tui.inference.manifest import Manifest
    from dtk_tui.inference.model_spec import ModelSpec
    from dtk_tui.inference.text_embedder import TextEmbedder

    Vector = npt.NDArray[np.float32]

_THREADS = min(4, os.cpu_count() or 1)
_EMBED = "Queue and run the work: dtk queue add --all --kind embed, then dtk worker run --until-empty."


@lru_cache(maxsize=2)
def _text_embedder(name: str, folder: Path) -> TextEmbedder:
    from dtk_tui.inference.manifest import load_manifest
    from dtk_tui.inference.text_embedder import TextEmbedder

    return TextEmbedder(load_manifest(folder).get(name), folder, _THREADS)


@lru_cache(maxsize=2)
def _image_embedder(name: str, folder: Path) -> ImageEmbedder:
    from dtk_tui.inference.image_embedder import ImageEmbedder
    from dtk_tui.inference.manifest import load_manifest

    return ImageEmbedder(load_manifest(folder).get(name), folder, _THREADS)


def search(db: Database, config: Config, line: str, limit: int | None = None) -> list[Hit]:
    """Return what ``find`` finds, image by image."""
    found = find(db, config, line, limit)
    if found.scores is None:
        return [Hit(int(number)) for number in found.ids]
    return [Hit(int(n), float(score)) for n, score in zip(found.ids, found.scores, strict=True)]


def find(db: Database, config: Config, line: str, limit: int | None = None) -> SearchResult:
    """Return the images that a query line asks for, best first, or newest first when nothing ranks them.

    Args:
        limit: at most so many; None is all (a vector term alone cuts off by itself).

    Raises:
        UsageError: the line is not understood; says where in it and what was expected.
        DtkError: a vector term asks for a model or vectors that are not there; says how to get them.
    """
    query = prepare(db, config, line)
    meaning, shown, spaces = list[Example](), list[Example](), list[tuple[str, int]]()
    for term in query.about:
        with _placed(line, term.at):
            model, space = _space(db, config, "text-embedder", term.space)
        vector = _text_embedder(model, config.paths.models).embed_query(term.text)
        meaning.append(Example(space, vector, term.negated))
    for words in query.looks:
        with _placed(line, words.at):
            shown.append(_looks(db, config, words))
    for one in query.like:
        with _placed(line, one.at):
            spaces.append(_space(db, config, "image-embedder", one.space))
    with db.connection() as conn:
        alike: list[Example] = []
        for (model, space), one in zip(spaces, query.like, strict=True):
            with _placed(line, one.at):
                _, vector, number = _alike(conn, config, model, space, one.image)
            alike.append(Example(space, vector, one.negated, number))
        limit_time(conn, config.settings.search.timeout_s)
        return find_images(
            conn,
            query,
            about=combined(meaning),
            like=[(space, vector, None) for space, vector in (*combined(alike), *combined(shown))],
            limit=limit,
            left_out=[example.image for example in alike if example.image is not None],
        )


@contextmanager
def _placed(line: str, at: int) -> Iterator[None]:
    """Say of what a term names, and what is not there, where in the line the term stands."""
    try:
        yield
    except UsageError as error:
        where = query_error(line, at, error.title.removesuffix("."))
        raise UsageError(where.title, f"{where.detail}\n{error.detail}".strip()) from error


def notes(config: Config, line: str) -> list[str]:
    """Return what a person should know of the models by which the looks: terms of a query line compare.

    Raises:
        UsageError, DtkError: as ``find``, for the line and its models.
    """
    terms = parse(line).looks
    if not terms:
        return []
    from dtk_tui.inference.manifest import load_manifest

    manifest = load_manifest(config.paths.models)
    specs = {spec.name: spec for spec in (_joint_model(config, manifest, term.space) for term in terms)}
    return [f"looks: compares by {spec.name}. {spec.note}" for spec in specs.values() if spec.note]


def prepare(db: Database, config: Config, line: str) -> Query:
    """Return a query with what its smart albums ask for, its captions ready to be asked; raises as ``find``."""
    with db.connection() as conn:
        query = with_smart_albums(conn, parse(line))
        asks_captions = any(isinstance(leaf, CaptionText) for leaf in leaves(query.filter))
        if asks_captions:
            require_language(conn, config.settings.captions.language)
    if asks_captions:
        catch_up(db)
    return query


def similar(db: Database, config: Config, image: int | str, limit: int = 20) -> list[Hit]:
    """Return the images that look most like one, best first, by cosine similarity.

    Args:
        image: an id or a path; a file that is not in the library is embedded on the spot.

    Raises:
        UsageError: there is no such image.
        DtkError: nothing is embedded yet, or the model is missing.
    """
    model, space = _space(db, config, "image-embedder", None, "Similar images need")
    with db.connection() as conn:
        _, vector, itself = _alike(conn, config, model, space, str(image))
        limit_time(conn, config.settings.search.timeout_s)
        found = nearest_images(conn, space, vector, limit, leave_out=itself)
    return [Hit(number, score) for number, score in found]


def has_image_model(db: Database, config: Config) -> bool:
    """Return whether pictures outside the library can be compared by vectors: the model is here, and there are some."""
    from dtk_tui.inference.manifest import load_manifest
    from dtk_tui.inference.model_files import is_installed

    model = config.settings.models.image_embedder
    with db.connection() as conn:
        if _filled_space(conn, model, "image") is None:
            return False
    try:
        spec = load_manifest(config.paths.models).get(model)
    except DtkError:
        return False
    return is_installed(spec, config.paths.models)


def rows_of(db: Database, hits: Sequence[Hit]) -> list[tuple[Hit, ImageRow, str]]:
    """Return finds with their images and absolute paths; images that are gone are left out."""
    with db.connection() as conn:
        ids = [hit.image_id for hit in hits]
        rows = {row.id: row for row in images.rows(conn, ids)}
        paths = images.paths_of(conn, ids)
    return [(hit, rows[hit.image_id], paths[hit.image_id]) for hit in hits if hit.image_id in rows]


def image_detail(db: Database, config: Config, image: str) -> ImageDetail | None:
    """Return all that is known about an image that a person named; None when it went away meanwhile.

    Raises:
        UsageError: there is no such image in the library.
    """
    with db.connection() as conn:
        return images.detail(conn, find_image(conn, config, image))


def find_image(conn: Connection, config: Config, image: str) -> int:
    """Return the id of an image that a person named by id or by path, as the library or as this host knows it.

    Raises:
        UsageError: there is no such image in the library.
    """
    found = _known(conn, config, image)
    if found is None:
        raise UsageError(
            f"There is no image {image!r} in the library.", "Name its id or its path; scan its folder first."
        )
    return found


def _known(conn: Connection, config: Config, image: str) -> int | None:
    if image.isascii() and image.isdigit() and len(image) < 19:
        number = int(image)
        if images.path_of(conn, number) is not None:
            return number
    for path in _names(conn, config, image):
        if (found := images.find(conn, path)) is not None:
            return found
    return None


def _names(conn: Connection, config: Config, image: str) -> Iterator[str]:
    """Yield the paths by which the library may know the file that a person named."""
    yield image  # a path of Windows is one as it stands
    here = os.path.abspath(image)  # noqa: PTH100 (surrogates must survive)
    yield here
    yield config.library_path(here)
    folder, name = os.path.split(here)
    with suppress(UsageError):
        yield os.path.join(known_path(conn, folder), name)  # noqa: PTH118


def _space(db: Database, config: Config, role: str, named: str | None, subject: str = "") -> tuple[str, int]:
    """Return the model and the space of a term, by the model that it names or by the default of the config.

    Args:
        subject: what needs embeddings, where it is no term; with its verb.

    Raises:
        UsageError: there is no such model, or it compares something else.
        DtkError: it has no vectors yet.
    """
    from dtk_tui.inference.manifest import load_manifest

    names = config.settings.models
    term, default = ("about:", names.text_embedder) if role == "text-embedder" else ("like:", names.image_embedder)
    model = named or default
    if named is not None and load_manifest(config.paths.models).get(named).role != role:
        raise UsageError(f"{term} compares vectors of a {role}, and {named} is none.", "See: dtk models list")
    with db.connection() as conn:
        space = _filled_space(conn, model, role.partition("-")[0])
    if space is None and named is None:
        raise DtkError(f"{subject or f'{term} needs'} embeddings, and nothing is embedded yet.", _EMBED)
    if space is None:
        setting = role.replace("-", "_")
        raise DtkError(
            f"{term} needs embeddings by {named}, and there are none yet.",
            f"Name it in [models] {setting}s of config.toml. {_EMBED}",
        )
    return model, space


def _filled_space(conn: Connection, model: str, modality: str) -> int | None:
    """Return the newest space of a model; None where it has no vector, as after a start of a worker without work."""
    space = embedding_spaces.newest(conn, model, modality)
    return space if space is not None and embedding_spaces.count_up_to(conn, space, 1) else None


def _joint_model(config: Config, manifest: Manifest, named: str | None) -> ModelSpec:
    """Return the model of a looks: term: the one that it names, or the first of the config with a text tower.

    Raises:
        UsageError: there is no such model, or it has no text tower.
        DtkError: the config names none that has.
    """
    known = ", ".join(manifest.joint)
    if named is not None:
        spec = manifest.get(named)
        if spec.text_tower is None:
            raise UsageError(f"looks: needs a model of pictures and words, and {named} is none.", f"Such are: {known}.")
        return spec
    for name in config.settings.models.image_embedders:
        if name in manifest.joint:
            return manifest.joint[name]
    raise DtkError(
        "looks: needs a model of pictures and words, and the config names none.",
        f"Add one to [models] image_embedders in config.toml ({known}), and get it with: dtk models pull. {_EMBED}",
    )


def _looks(db: Database, config: Config, term: Looks) -> Example:
    """Return the joint space of a term, and where its text lies in it."""
    from dtk_tui.inference.manifest import load_manifest

    manifest = load_manifest(config.paths.models)
    spec = _joint_model(config, manifest, term.space)
    with db.connection() as conn:
        space = _filled_space(conn, spec.name, "image")
    if space is None:
        raise DtkError(
            f"looks: needs embeddings by {spec.name}, and there are none yet.",
            f"Name it in [models] image_embedders of config.toml. {_EMBED}",
        )
    tower = manifest.text_tower(spec)
    return Example(space, _text_embedder(tower.name, config.paths.models).embed_query(term.text), term.negated)


def _alike(conn: Connection, config: Config, model: str, space: int, image: str) -> tuple[int, Vector, int | None]:
    """Return the space, the unit vector and, when it is in the library, the id of an image named by a person."""
    number = _known(conn, config, image)
    stored = None if number is None else embedding_spaces.image_vector(conn, number, space)
    if stored is not None:
        return space, stored, number
    known = None if number is None else images.path_of(conn, number)
    path = image if known is None else config.local_path(known)
    if not os.path.isfile(path):  # noqa: PTH113 (surrogates must survive)
        raise UsageError(f"There is no image {image!r}.", "Name the id of an image, or the path of a file.")
    embedder = _image_embedder(model, config.paths.models)
    vector: Vector = embedder.infer(embedder.load(path)[None])[0]
    return space, vector, number
