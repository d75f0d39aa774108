"""The screens of the tour: what each is called, what shows that it is there, and one sentence about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stop:
    """One picture of the tour.

    Attributes:
        name: of its files, ``<name>-<columns>x<rows>-<theme>.webp``.
        screen: the class that lies on top then.
        title: its heading.
        sentence: what one sees.
        words: what has to be on the screen.
    """

    name: str
    screen: str
    title: str
    sentence: str
    words: tuple[str, ...] = ()


STOPS: tuple[Stop, ...] = (
    Stop("browser", "BrowserScreen", "Folders, images and preview",
        "Folders at the left, the images of one or of all in the middle, the chosen one and what made it at the right; "
        "the lines on top say what the workers do.", ("\u2580", "All images")),
    Stop("grid", "BrowserScreen", "Thumbnails",
        "`G` shows thumbnails instead of the table, with the same keys; `<` and `>` change their size.", ("\u2580",)),
    Stop("facets", "BrowserScreen", "Facets",
        "`F` counts what a result has in common; Enter narrows it by model, tag, folder, rating, month and more.",
        ("juggernautXL",)),
    Stop("columns", "ColumnDialog", "Columns",
        "`F4` chooses which columns the table has, in which order and how wide.", ("Columns",)),
    Stop("folds", "BrowserScreen", "Folds",
        "`Z` folds what is alike into one row; `z` opens the row under the cursor.", (" rows", "\u25be")),
    Stop("go-to", "InputDialog", "Go to a row or a date",
        "`g` goes to a row, to a part of all rows or, where they are in the order of time, to a date.", ("2025-11",)),
    Stop("rating", "BrowserScreen", "Ratings and flags",
        "Digits rate what is selected, `f` makes it a favourite, `Ctrl+Z` takes it back.", ("selected", "Ctrl+Z")),
    Stop("menu", "Menu", "The menu of the selection",
        "`m` offers what can be done with the folder, the image or the selection, with its key.", ("Find similar",)),
    Stop("completion", "BrowserScreen", "Completion",
        "While a query is typed, tokens, tags, albums, models and samplers are offered with how often they occur.",
        ("model:",)),
    Stop("search", "BrowserScreen", "Search",
        "The query line asks by words, by meaning (`about:`) and by looks, beside every parameter; the best are first.",
        ("best first",)),
    Stop("similar", "BrowserScreen", "What looks like it",
        "`s` finds the images that look like the chosen one, with how near each is.", ("Like ",)),
    Stop("queries", "QueriesScreen", "Saved queries and history",
        "`Q` lists saved queries, the pinned ones first, and those that were asked before.", ("\u2605",)),
    Stop("image", "ImageScreen", "One image",
        "Enter shows one image on the whole screen; the arrows go through the result.", ("\u2580", " of ")),
    Stop("parameters", "ImageScreen", "How it was made",
        "Every parameter that the generator wrote into the file, whichever program it was.", ("Steps",)),
    Stop("picture", "PictureScreen", "A picture alone",
        "`v` shows a picture alone: zoomed, moved about, or one after the other as a slideshow.", ("\u2580", " of ")),
    Stop("collections", "CollectionsScreen", "Albums and tags",
        "`L` keeps albums, smart albums that follow a query, and the tags that people gave.", ("3 albums",)),
    Stop("album-menu", "Menu", "Into an album",
        "`A` puts the selection into an album.", ("which album",)),
    Stop("tags", "InputDialog", "Give a tag",
        "`+` gives the selection tags of your own.", ("names",)),
    Stop("duplicates", "DuplicatesScreen", "Duplicates",
        "`D` shows what is there twice, side by side, with what differs and which one stays by the chosen rule.",
        ("set", "\u2580")),
    Stop("review", "BrowserScreen", "For deletion",
        "`V` shows what is marked for deletion before anything happens to a file.", ("delete:true",)),
    Stop("trash", "Confirm", "The question before the trash",
        "`R` moves those files into the system's trash, after a question: how many, how large.", ("Move ",)),
    Stop("caption", "CaptionEditorScreen", "The caption of an image",
        "`d` edits a caption beside its picture, with every version it ever had and what differs.", ("words",)),
    Stop("captions", "BatchEditScreen", "Captions of many images",
        "`B` edits many captions at once, and shows before what each becomes.", ("captions change",)),
    Stop("journal", "JournalScreen", "The journal",
        "`J` lists every edit of people, each of which can be undone.", ("edit",)),
    Stop("thresholds", "ThresholdsScreen", "Thresholds of tags",
        "`H` sets from which score on a tag holds, and says how many tags would come and go.", ("tags",)),
    Stop("queue-preview", "QueuePreview", "Before a folder is queued",
        "`M` says what queueing would do: how much is new, shared or done, and what a sample of it looks like.",
        ("shared with another image",)),
    Stop("queued", "BrowserScreen", "Work is queued",
        "`u` or `t` queues the folder, the image or the selection; nothing is done twice.", ("queued",)),
    Stop("queue", "QueueScreen", "The queue",
        "`q` shows what waits, runs and failed; `n` does it now, `y` tries it again.", ("All ",)),
    Stop("failures", "FailuresScreen", "Failures by reason",
        "`f` in the queue says why jobs failed and how many for each reason, and tries them again by reason.",
        ("1 reason",)),
    Stop("clear", "Confirm", "A question",
        "Where something cannot be taken back, or work would stop, a question says what happens.", ("?",)),
    Stop("runs", "RunsScreen", "Tagging and captioning together",
        "`P` shows how far each action is that tags and captions, and sums up those that ended.", ("2 runs",)),
    Stop("log", "LogScreen", "The log",
        "`Alt+L` lists every job that ended, how, when and where, and follows the workers.", ("follows",)),
    Stop("activity", "ActivityScreen", "Workers, speed and load",
        "`Alt+W` shows all workers with their devices, how far each kind of work is, and how fast it went.",
        ("Workers", "Days")),
    Stop("captioner-test", "CaptionerTestScreen", "The test of the captioner",
        "`K` asks the configured model for one caption, and says what is missing where that fails.", ("captions",)),
    Stop("palette", "EarlyKeyPalette", "All commands",
        "`Ctrl+P` finds every command by a few letters of its name.", ("Thumbnails",)),
    Stop("jump", "JumpScreen", "Jump",
        "`Alt+J` puts a letter on each part of the screen; it goes there.", (" a ", " s ")),
    Stop("help", "HelpScreen", "Help",
        "`?` shows every key of the present screen.", ("Keys",)),
    Stop("error", "ErrorDialog", "When something fails",
        "A failure is told once, with what to do about it.", ("Close",)),
    Stop("models", "ModelsScreen", "Models",
        "`Alt+M` shows which models are here, and gets those that are missing.", ("Nothing is missing",)),
    Stop("settings", "SettingsScreen", "Settings",
        "`,` shows every setting with what it is for, its default and where its value comes from; what is typed is "
        "looked at, and config.toml keeps its comments.", ("Default:",)),
    Stop("setting", "ValueDialog", "A setting is changed",
        "Enter changes a setting and says while it is typed what is wrong.", ("Save (",)),
    Stop("keymap", "KeymapScreen", "Keys",
        "`b` in the settings lists every command with its keys.", ("What it does",)),
    Stop("keys", "KeysDialog", "Other keys for a command",
        "Keys are given by their names or by pressing them; a key that another command has is named.", ("F2",)),
    Stop("add-folder", "FolderDialog", "A folder is added",
        "`Ctrl+O` takes a folder into the library; the path completes while it is typed.", ("Add a folder",)),
    Stop("folder-finder", "FolderFinder", "A folder is found",
        "`g` in the tree goes to a folder by words of its path.", ("towns",)),
    Stop("import", "ImportScreen", "Coming from Diffusion Toolkit",
        "`I` brings a Diffusion Toolkit database over; a dry run says first what would happen.", ("images",)),
    Stop("import-report", "ImportScreen", "The report of an import",
        "What was read, written and left out, counted; `u` takes all of it back.", ("dry run",)),
    Stop("waiting", "WaitingScreen", "The server is away",
        "Where a database server of your own does not answer at the start, the app says why, and opens when it does.",
        ("It is waited for.", "Waiting for", "Try now")),
    Stop("offer", "Confirm", "The first start",
        "A Diffusion Toolkit database that lies about is offered at the first start.", ("Diffusion Toolkit",)),
    Stop("empty", "BrowserScreen", "An empty library",
        "A library without folders says what fills it.", ("This library is empty.",)),
)  # fmt: skip
