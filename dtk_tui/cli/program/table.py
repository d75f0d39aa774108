"""The commands of ``dtk`` in the order of its help: what is said of each in a list, and where it stands."""

from __future__ import annotations

from dtk_tui.cli.program.entry import Entry

#: The help is that of the command or group itself; a test compares them.
COMMANDS = (
    Entry("scan", "Read folders into the library: what is new, changed, moved or gone.", "scan:commands"),
    Entry("show", "Show all that is known about an image.", "images:commands"),
    Entry("search", "Find images by prompt, meaning, looks, likeness, folder or tag.", "images:commands"),
    Entry("similar", "Find the images that look most like one, in the library or outside.", "images:commands"),
    Entry("duplicates", "Find images that are the same or nearly so, set by set.", "images:commands"),
    Entry(
        "clusters",
        "Group images that look like one of them, the largest groups first; nothing is changed.",
        "query.clusters:commands",
    ),
    Entry("rate", "Rate images; dtk journal undo takes it back.", "organise.marks:commands"),
    Entry(
        "flag",
        "Flag images as favourites, NSFW or for deletion; no file is touched, and dtk journal undo takes it back.",
        "organise.marks:commands",
    ),
    Entry("status", "Show the queue, the workers and the library.", "worker:commands"),
    Entry("log", "Show the jobs that ended, newest first.", "log:commands"),
    Entry("migrate", "Bring a library over from Diffusion Toolkit.", "diffusion_toolkit:commands"),
    Entry("doctor", "Look for what keeps the program from working well here.", "doctor:commands"),
    Entry(
        "demo",
        "Take a sample library through the whole program, search in it, and open the app on it.",
        "demo:commands",
    ),
    Entry(
        "metrics",
        "Serve the numbers of dtk status to Prometheus on this machine, until it is interrupted.",
        "metrics:commands",
    ),
    Entry("serve", "Serve the app to browsers on this machine, until it is interrupted.", "web.serve:commands"),
    Entry("guide", "Show a page of the guide, or list its pages.", "guide.command:commands"),
    Entry("man", "Print the manual page: dtk man | man -l -.", "install.man:commands"),
    Entry(
        "library",
        "Which folders are in the library, and which are left out.",
        "library:commands",
        "organise.trash:commands",
        is_group=True,
    ),
    Entry("caption", "What is said of images: look, edit, ask a model.", "captions:commands", is_group=True),
    Entry(
        "export",
        "Write what is in the library for other programs.",
        "diffusion_toolkit:exports",
        "caption_files:exports",
        is_group=True,
    ),
    Entry("import", "Take in what other programs wrote.", "caption_files:imports", is_group=True),
    Entry("tag", "Tags that people give images.", "organise.tags:commands", is_group=True),
    Entry(
        "album", "Albums: collections of images that people put together.", "organise.albums:commands", is_group=True
    ),
    Entry("tags", "What taggers said: thresholds, the NSFW rule.", "tags.thresholds:commands", is_group=True),
    Entry("journal", "What was edited, and taking it back.", "journal:commands", is_group=True),
    Entry("queue", "What is to be done: add, look, try again, clear.", "queue:commands", is_group=True),
    Entry("query", "Queries that are kept under a name.", "query.saved:commands", is_group=True),
    Entry(
        "worker",
        "Run a worker here, or tell all workers what to do.",
        "worker:control",
        "install.service:commands",
        is_group=True,
    ),
    Entry("cluster", "Workers on all machines of a Ray cluster, one a GPU.", "cluster:commands", is_group=True),
    Entry("models", "Model files: what there is, get, check, add, remove.", "models:commands", is_group=True),
    Entry("db", "The database of the library.", "database:commands", is_group=True),
    Entry("config", "The settings, and where they stand.", "settings.config:commands", is_group=True),
)
