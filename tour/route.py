"""The way through all stops, key by key."""

from __future__ import annotations

from dtk_tui.store.database import Database
from tour.library import fix_times
from tour.walk import Walk


async def _look(walk: Walk) -> None:
    """Images, thumbnails, facets, rating."""
    await walk.shows("All images")
    if not walk.is_wide:
        await walk.press("p")
    await walk.press("down", "down", "down")
    await walk.stop("browser")
    if not walk.is_wide:
        await walk.press("p")
    await walk.press("G")
    await walk.stop("grid")
    await walk.press("G", "F")
    await walk.stop("facets")
    await walk.press("F", "f4")
    await walk.stop("columns")
    await walk.close("escape")
    await walk.press("Z")
    await walk.shows(" rows")
    await walk.press("home", "down", "down", "down", "z")
    await walk.stop("folds")
    await walk.press("Z")
    await walk.until(lambda: " rows" not in walk.text(), "All images again")
    await walk.press("g")
    await walk.stop("go-to")
    await walk.close("escape")
    await walk.press("home", "space", "space", "down", "space", "8")
    await walk.stop("rating", notices=True)
    await walk.press("m")
    await walk.stop("menu")
    await walk.close("escape")
    await walk.press("A")
    await walk.stop("album-menu")
    await walk.close("escape")
    await walk.press("plus")
    await walk.stop("tags")
    await walk.close("escape")
    await walk.press("escape")


async def _search(walk: Walk) -> None:
    """Completion, a search, what is alike, saved queries."""
    await walk.press("slash")
    await walk.write("castle mod")
    await walk.stop("completion")
    await walk.press("ctrl+u")
    await walk.write('about: "a puppy playing outside"')
    await walk.press("enter")
    await walk.stop("search")
    await walk.press("home", "s")
    await walk.stop("similar")
    await walk.press("escape", "escape")
    await walk.shows("All images")
    await walk.press("Q")
    await walk.stop("queries")
    await walk.close("escape")


async def _one(walk: Walk, db: Database) -> None:
    """One image, and its caption."""
    await walk.press("end", "enter")
    await walk.stop("image")
    await walk.press("alt+2")
    await walk.stop("parameters")
    await walk.press("v")
    await walk.stop("picture")
    await walk.close("escape")
    await walk.close("escape")
    await walk.press("d")
    await walk.shows("words")
    await walk.press("pagedown", "pagedown", "end")
    await walk.write(" It is calm.")
    await walk.press("ctrl+s")
    await walk.shows("aved")
    fix_times(db)
    await walk.close("escape")
    await walk.press("d")
    await walk.stop("caption")
    await walk.close("escape")


async def _organise(walk: Walk, db: Database) -> None:
    """Albums, duplicates, deletion, captions of many, the journal, thresholds."""
    await walk.press("L")
    await walk.stop("collections")
    await walk.close("escape")
    await walk.press("D")
    await walk.stop("duplicates")
    await walk.close("escape")
    await walk.press("V")
    await walk.stop("review")
    await walk.press("R")
    await walk.stop("trash")
    await walk.close("escape")
    await walk.press("escape")
    await walk.shows("All images")
    await walk.press("B")
    await walk.shows("Put in a text")
    await walk.press("up", "down", "down", "enter")
    await walk.press("down", "down")
    await walk.close("enter")
    await walk.write("picture")
    await walk.press("tab")
    await walk.write("photograph")
    await walk.stop("captions")
    await walk.press("f2")
    await walk.shows("Change")
    await walk.close("y")
    await walk.shows("captions changed.")
    await walk.close("escape")
    fix_times(db)
    await walk.press("J")
    await walk.stop("journal")
    await walk.close("escape")


async def _thresholds(walk: Walk) -> None:
    """A tagger, and its thresholds."""
    await walk.press("H")
    await walk.shows("Thresholds of which tagger")
    await walk.close("enter")
    await walk.shows("0 tags come")
    await walk.press("backspace", "1")
    await walk.until(lambda: " 0 tags come" not in walk.text(), "What another threshold changes")
    await walk.stop("thresholds")
    await walk.close("escape")


async def _work(walk: Walk, db: Database) -> None:
    """The queue, questions, runs, the captioner."""
    await walk.press("shift+tab", "home", "g")
    await walk.write("towns")
    await walk.stop("folder-finder")
    await walk.close("escape")
    await walk.press("home", "M")
    await walk.shows("shared with another image")
    await walk.until(lambda: "looking at" not in walk.text(), "What a sample looks like")
    await walk.stop("queue-preview")
    await walk.close("escape")
    await walk.press("u")
    await walk.stop("queued", notices=True)
    fix_times(db)
    await walk.press("q")
    await walk.stop("queue")
    await walk.press("tab", "tab", "tab")
    await walk.until(lambda: "waiting" not in walk.text(), "What failed")
    await walk.press("enter")
    await walk.stop("error")
    await walk.close("enter")
    await walk.press("f")
    await walk.stop("failures")
    await walk.close("escape")
    await walk.press("f8")
    await walk.stop("clear")
    await walk.close("escape")
    await walk.close("escape")
    await walk.press("alt+l")
    await walk.stop("log")
    await walk.close("escape")
    await walk.press("alt+w")
    await walk.stop("activity")
    await walk.close("escape")
    await walk.press("P")
    await walk.stop("runs")
    await walk.press("K")
    await walk.stop("captioner-test")
    await walk.close("escape")
    await walk.close("escape")


async def _everywhere(walk: Walk) -> None:
    """Commands, help, a failure, a folder, an import."""
    await walk.press("tab")
    await walk.stop("palette", opened_by="ctrl+p")
    await walk.press("alt+j")
    await walk.stop("jump")
    await walk.close("escape")
    await walk.press("question_mark")
    await walk.stop("help")
    await walk.close("escape")
    await walk.press("ctrl+o")
    await walk.stop("add-folder")
    await walk.close("escape")
    await walk.press("alt+m")
    await walk.stop("models")
    await walk.close("escape")
    await walk.press("comma")
    await walk.stop("settings")
    await walk.press("enter")
    await walk.stop("setting")
    await walk.close("escape")
    await walk.press("b")
    await walk.stop("keymap")
    await walk.press("enter")
    await walk.stop("keys")
    await walk.close("escape")
    await walk.close("escape")
    await walk.close("escape")
    await walk.press("I")
    await walk.stop("import")
    await walk.press("d")
    await walk.stop("import-report")
    await walk.close("escape")


async def whole(walk: Walk, db: Database) -> None:
    """Go through everything that a library with images shows."""
    await _look(walk)
    await _search(walk)
    await _one(walk, db)
    await _organise(walk, db)
    await _thresholds(walk)
    await _work(walk, db)
    await _everywhere(walk)


async def away(walk: Walk) -> None:
    """Look at a server that does not answer."""
    await walk.stop("waiting")


async def empty(walk: Walk) -> None:
    """Look at a library in which nothing is."""
    await walk.stop("offer")
    await walk.close("n")
    await walk.stop("empty")
