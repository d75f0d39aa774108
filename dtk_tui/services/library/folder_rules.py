"""Which folders a scan looks into: the rules of the library's folders, applied to paths."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Collection, Iterable, Mapping

from dtk_tui.domain.events import Emit, ProblemReported
from dtk_tui.domain.library import WHOLE_FOLDER, FolderScope, Rule
from dtk_tui.errors import DtkError, UsageError
from dtk_tui.services.library.exclusion import Exclusion
from dtk_tui.store.database import Connection
from dtk_tui.store.library import folder_rules, folder_tree, folders
from dtk_tui.text import counted

_NO_RULE = Rule()
#: So many roots that are not there are named one by one.
_NAMED = 3


def require_folder(path: str) -> None:
    """Raise UsageError when there is no folder at a path, or it may not be read."""
    try:
        with os.scandir(path):
            return
    except FileNotFoundError as error:
        raise UsageError(f"There is no folder {path}.", "Check the spelling, or that its disk is mounted.") from error
    except NotADirectoryError as error:
        raise UsageError(f"{path} is not a folder.", "Name the folder that it lies in.") from error
    except OSError as error:
        why = error.strerror or str(error)
        raise UsageError(f"The folder {path} cannot be read.", f"{why}. Let the user who runs dtk read it.") from error


def require_scannable(conn: Connection, path: str, rule: Rule | None) -> None:
    """Raise UsageError when a folder's own rule or one above it keeps scans out."""
    rules = [rule] if rule is not None else []
    rules += [above for above in folder_rules.above(conn, path) if above.recursive]
    for found in rules:
        if found.excluded or found.archived:
            word = "excluded from" if found.excluded else "archived in"
            raise UsageError(
                f"The folder {path} is {word} the library.", f"Scan it again with: dtk library include {path}"
            )


def scannable_roots(conn: Connection) -> list[str]:
    """Return the roots that scans look into, absolute paths."""
    rules = folder_rules.of_roots(conn).items()
    return [path for path, rule in rules if not (rule.excluded or rule.archived) or not rule.recursive]


def require_roots(conn: Connection, emit: Emit) -> None:
    """Report which roots cannot be read, so that a scan of all leaves them as they are.

    Raises:
        DtkError: it is all of them.
    """
    roots = scannable_roots(conn)
    away = {path: why for path in roots if (why := _why_unreadable(path))}
    images = {row.path: row.images for row in folders.list_roots(conn)} if away else {}
    for path, why in list(away.items())[:_NAMED]:
        stay = counted(images[path], "image stays as it is", "images stay as they are")
        emit(ProblemReported(f"The folder {path} {why}; its {stay}."))
    if len(away) > _NAMED:
        others = counted(len(away) - _NAMED, "other root is", "other roots are")
        emit(ProblemReported(f"{others} not there or cannot be read, too.", "dtk library roots lists them."))
    if away and len(away) == len(roots):
        raise DtkError(
            "No folder of the library can be read: nothing was scanned.",
            "Are their disks mounted? What is gone for good is taken out with: dtk library remove FOLDER",
        )


def report_missing_roots(conn: Connection, emit: Emit) -> None:
    """Report which roots are not there to be watched, all of them at once."""
    away = [(path, why) for path in scannable_roots(conn) if (why := _why_unreadable(path))]
    if len(away) == 1:
        emit(ProblemReported("The folder {} {}; what is known of it stays.".format(*away[0]), "It is looked for."))
    elif away:
        title = f"{len(away):,} roots of the library are not there or cannot be read, such as {away[0][0]}."
        emit(ProblemReported(title, "What is known of them stays; they are looked for. dtk library roots lists them."))


def _why_unreadable(path: str) -> str | None:
    try:
        with os.scandir(path):
            return None
    except FileNotFoundError:
        return "is not there"
    except OSError as error:
        return f"cannot be read ({error.strerror})"


def is_scanned(conn: Connection, path: str, rule: Rule) -> bool:
    """Tell whether a scan of the roots would look into a known folder."""
    above = folder_rules.above(conn, path)
    kept_out = rule.excluded or rule.archived or any(r.recursive and (r.excluded or r.archived) for r in above)
    return not kept_out and all(r.recursive or r.excluded or r.archived for r in above)


def known_path(conn: Connection, path: str, others: Collection[str] = ()) -> str:
    """Return ``resolve_known_path`` with the roots of the library, and ``others``, and the links in the library."""
    if folders.find(conn, path) is not None:
        return path
    if not path.isascii() and not os.path.lexists(path) and (found := folders.find_composed(conn, path)):
        return found
    # A folder of Windows, from an import, is none here.
    roots = [row.path for row in folder_tree.roots(conn) if row.path.startswith("/")]
    links = [known for known in folders.paths(conn) if os.path.islink(known)]  # noqa: PTH114
    return resolve_known_path(path, [*roots, *others], links)


def unrelated_roots(conn: Connection, path: str) -> list[str]:
    """Return the real paths of the roots that have nothing to do with a folder."""
    roots = [row.path for row in folder_tree.roots(conn) if row.path.startswith("/")]
    apart = [os.path.realpath(root) for root in roots if not (_is_in(root, path) or _is_in(path, root))]
    real = os.path.realpath(path)
    return [root for root in apart if not _is_in(real, root)]


def resolve_known_path(path: str, roots: Collection[str], links: Collection[str] = ()) -> str:
    """Return the path by which the library knows a folder that a person named, which may lead there by a link.

    Two paths that show one folder would hold each of its images twice. A path that leads nowhere into the library is as
    it was.

    Args:
        path: absolute.
        roots: absolute paths of all roots.
        links: absolute paths of folders of the library that are links.

    Raises:
        UsageError: a root shows a folder inside this one by another path.
    """
    if path in roots:
        return path
    real = os.path.realpath(path)
    best, longest = path, -1
    for root in (*roots, *links):
        shown = os.path.realpath(root)
        if _is_in(real, shown):
            if len(shown) > longest:
                best, longest = _joined(root, real[len(shown) :]), len(shown)
        elif root in roots and _is_in(shown, real) and not _is_in(root, path):
            above = root.removesuffix(shown[len(real.rstrip("/")) :])
            if above == root or os.path.realpath(above) != real:
                raise UsageError(
                    f"The folder {path} holds {shown}, which is in the library as {root}.",
                    f"Name single folders in it instead, or take that one out first: dtk library remove {root}",
                )
            if longest < 0:
                best = above
    return best


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _joined(root: str, below: str) -> str:
    return root.rstrip("/") + "/" + below.strip("/") if below.strip("/") else root


class Rules:
    """The rules of one tree of folders.

    Args:
        rules: of the known folders by absolute path; folders without an entry have none of their own.
        unrelated: real paths that are in the library by other folders; a new link that leads there is left out.
        exclusion: patterns that hide folders.
    """

    def __init__(
        self, rules: Mapping[str, Rule], unrelated: Collection[str] = (), exclusion: Exclusion | None = None
    ) -> None:
        self._exclusion = exclusion
        self._known = rules.keys()
        self._unrelated = tuple(unrelated)
        self._rules = {path: rule for path, rule in rules.items() if rule != _NO_RULE}

    def scope(self, path: str) -> FolderScope:
        """Say what to do with the folder at ``path``, whose parents were asked before."""
        if self._unrelated and path not in self._known and os.path.islink(path):  # noqa: PTH114
            real = os.path.realpath(path)
            if any(_is_in(real, folder) for folder in self._unrelated):
                return FolderScope(files=False, folders=False)
        if self._exclusion is not None and self._exclusion.hides_folder(path):
            return FolderScope(files=False, folders=False)
        rule = self._rules.get(path)
        if rule is None:
            return WHOLE_FOLDER
        if rule.excluded or rule.archived:
            return FolderScope(files=False, folders=not rule.recursive)
        return FolderScope(folders=False)

    def unvisited(self, unreadable: Iterable[str]) -> UnvisitedFolders:
        """Return which folders keep what is known of them although a walk did not meet them."""
        exact = {path for path, rule in self._rules.items() if rule.archived and not rule.excluded}
        below = list(unreadable)
        for path, rule in self._rules.items():
            stays = rule.archived and not rule.excluded and rule.recursive
            not_asked = not (rule.excluded or rule.archived or rule.recursive)
            if stays or not_asked:
                below.append(path)
        return UnvisitedFolders(exact, tuple(path.rstrip("/") + "/" for path in below))


class UnvisitedFolders:
    """Folders that no walk visits, and whose rows stay: archived ones, those below an unreadable or single one."""

    def __init__(self, exact: set[str], below: tuple[str, ...]) -> None:
        self._exact = exact
        self._below = below

    def __contains__(self, path: str) -> bool:
        return path in self._exact or path.startswith(self._below)


def absolute(path: str) -> str:
    """Return the absolute path of what a person named, in the Unicode form of the disk; ``~`` is their home.

    Raises:
        UsageError: nothing was named; the folder one happens to be in is hardly what is meant.
    """
    if not path:
        raise UsageError("The name of a folder is empty.", "Name the folder; the one you are in is .")
    return in_form_of_disk(os.path.abspath(os.path.expanduser(path)))  # noqa: PTH100, PTH111 (surrogates must survive)


def in_form_of_disk(path: str) -> str:
    """Return an absolute path whose folders are there in another Unicode form as the disk has it; else as it is.

    Keyboards and shells write composed letters, macOS and archives made there leave decomposed ones. A form that is
    there is never changed for another, and where several are there none is chosen.
    """
    if path.isascii() or os.path.lexists(path):
        return path
    above, name = os.path.split(path)
    above = in_form_of_disk(above)
    found = os.path.join(above, name)  # noqa: PTH118 (surrogates must survive)
    if os.path.lexists(found):
        return found
    wanted = unicodedata.normalize("NFC", name)
    try:
        alike = [other for other in os.listdir(above) if unicodedata.normalize("NFC", other) == wanted]  # noqa: PTH208
    except OSError:
        return path
    return os.path.join(above, alike[0]) if len(alike) == 1 else path  # noqa: PTH118
