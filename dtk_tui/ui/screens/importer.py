"""Importing a Diffusion Toolkit database: what and how, how far it is, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING, ClassVar
from zoneinfo import available_timezones

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from dtk_tui.domain.imports import POLICIES as POLICY_NAMES
from dtk_tui.domain.imports import ImportOptions, Prefix, SourceSummary
from dtk_tui.errors import DtkError
from dtk_tui.services.diffusion_toolkit.errors import StoppedError
from dtk_tui.services.diffusion_toolkit.find import find_sources
from dtk_tui.services.diffusion_toolkit.inspect import Unfinished, inspect_source, locate_prefix, unfinished
from dtk_tui.services.diffusion_toolkit.timezone import host_zone
from dtk_tui.services.diffusion_toolkit.undo import undo as undo_import
from dtk_tui.text import counted, one_line
from dtk_tui.ui.background import in_thread, task
from dtk_tui.ui.commands.registry import bindings
from dtk_tui.ui.context import AppContext, LibraryChange
from dtk_tui.ui.dialogs import Confirm, Entry, InputDialog, Menu, MenuList
from dtk_tui.ui.format import line, setting_words
from dtk_tui.ui.hung_text import HungText
from dtk_tui.ui.screens import importer_text as text_of
from dtk_tui.ui.screens.base import CommandScreen
from dtk_tui.ui.widgets.key_footer import KeyFooter
from dtk_tui.ui.widgets.path_input import FolderSuggester, typable_path, typed_path
from dtk_tui.ui.widgets.status import Line

if TYPE_CHECKING:
    from dtk_tui.services.diffusion_toolkit.task import Import

_SETTINGS = 3


class ImportScreen(CommandScreen[None]):
    """Asks what to import and how, shows the import, and reports.

    Args:
        source: the file to begin with; None looks for one.
    """

    AUTO_FOCUS = "#import-form"
    COMMAND_GROUPS = ("import",)
    BINDINGS: ClassVar[list[BindingType]] = bindings("import")

    def __init__(self, context: AppContext, source: str | None = None) -> None:
        super().__init__(context)
        self._source = source or ""
        self._found: list[str] | None = None
        self._look: SourceSummary | None = None
        self._waiting: Unfinished | None = None
        self._done_before: str | None = None
        self._zone = ""
        self._policy = "keep"
        self._maps: dict[str, str] = {}
        self._kept_maps: Mapping[str, str] = {}
        self._steps: list[str] = []
        self._began = 0.0

    def compose(self) -> ComposeResult:
        """The title, the form, what takes its place, and what can be done."""
        yield Line(id="import-title", classes="pane-title")
        yield MenuList(id="import-form", markup=False, compact=True)
        with VerticalScroll(id="import-told"):
            yield Static(id="import-text", markup=False)
        yield Static(id="import-note", markup=False)
        yield KeyFooter()

    def on_mount(self) -> None:
        """Look for a file, or show the import that is under way."""
        tasks = self.context.tasks
        tasks.import_is_shown = True
        tasks.import_moved.subscribe(self, self.show_import)
        kept = tasks.import_form
        if kept is not None and self._source in {"", kept.source}:
            self._source, self._zone, self._policy = kept.source, kept.zone or self._zone, kept.policy
            self._kept_maps = dict(kept.maps)
        if self._import is not None:
            self.show_import(self._import)
        else:
            self._show_form()
            self._look_around()

    def on_unmount(self) -> None:
        """From now on somebody has to be told of the end."""
        self.context.tasks.import_is_shown = False

    def on_resize(self) -> None:
        """Write the lines for the new width."""
        if self._import is None:
            self._show_form()

    @property
    def _import(self) -> Import | None:
        return self.context.tasks.importing

    def refusal(self, command_id: str) -> str:
        """Say why something cannot be done in this state."""
        is_form, is_busy = self._import is None, self.context.tasks.is_importing
        report = self._import.report if self._import is not None else None
        is_over = report is not None and not report.dry_run
        busy = f"An import is under way: {self.key('import.stop')} stops it." if is_busy else ""
        source = "" if self._look is not None else "There is no database to import here yet: choose its file."
        anew = busy or ("" if is_form else f"{self.key('import.again')} begins a new import.")
        is_waiting = self._waiting is not None and report is None
        has_one = is_over or (is_form and self._done_before is not None)
        refused = {
            "import.start": source or ("" if report is not None and not is_over else anew),
            "import.dry_run": source or anew,
            "import.resume": busy or ("" if is_waiting else "No import waits to go on."),
            "import.stop": "" if is_busy else "Nothing is under way.",
            "import.undo": busy or ("" if has_one else "There is no import to undo."),
            "import.again": busy or ("This is a new import." if is_form else ""),
        }
        return refused.get(command_id, "")

    # -- the form -----------------------------------------------------------------------------------------------------

    @task("look")
    async def _look_around(self, typed: str = "") -> None:
        self._note("Looking at it\u2026")
        self._source = await in_thread(typed_path, typed) if typed else self._source
        self._zone = self._zone or await in_thread(host_zone)
        if self._found is None:
            named = [self._source] if self._source else []
            self._found = list(dict.fromkeys([*named, *await in_thread(find_sources, self.context.config)]))
        self._source = self._source or next(iter(self._found), "")
        self._look = None
        try:
            if self._source:
                roots = [root.path for root in await in_thread(self.library.folders, None)]
                self._look = await in_thread(inspect_source, self._source, self.context.config, roots)
                self._maps = {one.path: one.target for one in self._look.prefixes if one.target is not None}
                for prefix in self._look.prefixes:
                    if prefix.path in self._kept_maps:
                        await self._place(prefix, self._kept_maps[prefix.path])
            self._note("")
        except DtkError as error:
            self._note(self.in_keys(f"{error.title} {error.detail}"), bad=True)
        self._show_form()
        self._see_waiting()

    @task("waiting")
    async def _see_waiting(self) -> None:
        """Offer to go on with an import that was interrupted."""
        self._waiting = await in_thread(unfinished, self.library.db)
        # An undo would throw away what was read before it took back what is in the library.
        self._done_before = await in_thread(self.library.last_import) if self._waiting is None else None
        if self._waiting is not None and self._import is None:
            after = f"which was interrupted after {counted(self._waiting.rows, 'row')}"
            self._note(f"{self.key('import.resume')} goes on with the import of {self._waiting.source}, {after}.")
        self.refresh_bindings()

    def _note(self, words: str, *, bad: bool = False) -> None:
        note = self.query_one("#import-note", Static)
        note.display = bool(words)
        note.update(line(words, "$error" if bad else "$accent", 600))

    def _show_form(self) -> None:
        form, width = self.query_one("#import-form", OptionList), self.size.width - 4
        at = form.highlighted
        self.query_one("#import-title", Line).show(Content("Import a Diffusion Toolkit database"))
        self.query_one("#import-told").display = False
        form.display = True
        form.clear_options()
        form.add_option(text_of.source_words(self._look, self._source, width))
        form.add_option(setting_words("Time zone", self._zone, "of the machine that scanned"))
        form.add_option(setting_words("Merging", text_of.POLICIES[self._policy], "for images that are here already"))
        prefixes = self._look.prefixes if self._look is not None else ()
        if prefixes:
            heads = Content.styled("\n    images  folder of that machine \u2192 where it lies here", "$muted")
            form.add_option(Option(heads, disabled=True))
        form.add_options([text_of.prefix_words(prefix, width) for prefix in prefixes])
        form.highlighted = at if at is not None and at < form.option_count else 0

    @on(OptionList.OptionSelected, "#import-form")
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        number = event.option_index
        if number == 0:
            self._choose_file()
        elif number == 1:
            self._ask_zone(
                self._zone, "a name such as Europe/Berlin: its dates are in the local time of the machine that scanned"
            )
        elif number < _SETTINGS:
            entries = [Entry(words, "", name) for name, words in text_of.POLICIES.items()]
            self.app.push_screen(Menu("Images that are in the library already", entries), self._take_policy)
        elif self._look is not None:
            prefix = self._look.prefixes[number - _SETTINGS - 1]
            hint = "a folder of this machine; empty: paths stay as they are. Tab takes the completion"
            self._ask_place(prefix, typable_path(prefix.target), hint)

    def _choose_file(self) -> None:
        def named(path: str | None) -> None:
            if path:
                self._look_around(path)

        def ask(path: str | None) -> None:
            if path == "":
                hint = "on Windows in AppData\\Roaming\\DiffusionToolkit; Tab takes the completion"
                start = typable_path(self._source)
                suggester = FolderSuggester((".db", ".sqlite"))
                self.app.push_screen(InputDialog("Which file?", hint, value=start, suggester=suggester), named)
            else:
                named(path)

        found = self._found or []
        if len(found) > 1:
            entries = [*(Entry(one_line(path, 60), "", path) for path in found), Entry("another file", "", "")]
            self.app.push_screen(Menu("Which file?", entries), ask)
        else:
            ask("")

    def _ask_zone(self, value: str, hint: str) -> None:
        def named(zone: str | None) -> None:
            if zone:
                self._take_zone(zone)

        self.app.push_screen(InputDialog("Time zone", hint, value=value), named)

    @task("zone")
    async def _take_zone(self, zone: str) -> None:
        if zone not in await in_thread(available_timezones):
            self._ask_zone(zone, f"{zone} is not known. Name a zone such as Europe/Berlin or UTC")
            return
        self._zone = zone
        self._show_form()

    def _ask_place(self, prefix: Prefix, value: str, hint: str) -> None:
        def placed_at(target: str | None) -> None:
            if target is not None:
                self._take_map(prefix, target)

        ask = InputDialog(f"Where is {prefix.path}?", hint, value=value, suggester=FolderSuggester(), may_be_empty=True)
        self.app.push_screen(ask, placed_at)

    def _take_policy(self, policy: str | None) -> None:
        self._policy = policy if policy in POLICY_NAMES else self._policy
        self._show_form()

    @task("map")
    async def _take_map(self, prefix: Prefix, typed: str) -> None:
        target = await in_thread(typed_path, typed) if typed else ""
        if target and not target.startswith("/"):
            self._ask_place(prefix, target, "A whole path is needed, from / on; empty: paths stay as they are")
            return
        await self._place(prefix, target)
        self._show_form()

    async def _place(self, prefix: Prefix, target: str) -> None:
        """Note where a folder of that machine lies here, and see what of it is there."""
        if self._look is None:
            return
        target = target.rstrip("/") or target
        self._maps.pop(prefix.path, None)
        if target:
            self._maps[prefix.path] = target
        maps = [(prefix.path, target)] if target else []
        changed = await in_thread(locate_prefix, prefix.path, prefix.images, maps, (), False)
        found = tuple(changed if one.path == prefix.path else one for one in self._look.prefixes)
        self._look = replace(self._look, prefixes=found)

    # -- the import ---------------------------------------------------------------------------------------------------

    def _options(self, *, resume: bool = False, dry_run: bool = False) -> ImportOptions:
        if resume and self._waiting is not None:
            return ImportOptions(self._waiting.source, resume=True)
        return ImportOptions(self._source, tuple(self._maps.items()), self._zone, policy=self._policy, dry_run=dry_run)

    def _start(self, options: ImportOptions) -> None:
        self._steps, self._began = [], monotonic()
        if not self.context.tasks.start_import(options):
            self.context.notify("An import is running already.", severity="warning")
        if self._import is not None:
            self.show_import(self._import)
            self.query_one("#import-told").focus()

    def start(self) -> None:
        """Import; asks first when that throws away what another import has read."""
        if self._waiting is None:
            self._start(self._options())
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self._start(self._options())

        text = f"An import of {self._waiting.source} was interrupted. A new one throws away what it had read."
        self.app.push_screen(Confirm("Begin anew?", text, "Begin anew"), answered)

    def start_dry_run(self) -> None:
        """Read and check everything, write nothing."""
        self._start(self._options(dry_run=True))

    def resume(self) -> None:
        """Go on with the import that was interrupted."""
        if self._waiting is not None and self._waiting.source != self._source:
            self._source, self._look = self._waiting.source, None
        self._start(self._options(resume=True))

    def stop(self) -> None:
        """End the import; it can be resumed."""
        if self._import is not None:
            self._note("It is being stopped\u2026")
            self._import.stop()

    def undo(self) -> None:
        """Remove what the last import brought and nobody touched since, after a question."""

        def answered(yes: bool | None) -> None:
            if yes:
                self._undo()

        source = self._import.options.source if self._import is not None else self._done_before or ""
        text = f"The import of {source}.\nImages that were rated, tagged or put into albums since then stay."
        self.app.push_screen(Confirm("Remove what this import brought?", text, "Remove it"), answered)

    @task("undo", asked=True)
    async def _undo(self) -> None:
        self._note("Taking it back\u2026")
        counts = await in_thread(undo_import, self.library.db)
        self.context.notify(text_of.undo_words(counts))
        self.context.library_changed.publish(LibraryChange.IMAGES)
        self.show_form_again()

    def show_form_again(self) -> None:
        """Show the form again."""
        self.context.tasks.importing = None
        self._show_form()
        self._note("")
        self.query_one("#import-form").focus()
        if self._look is None:
            self._look_around()
        else:
            self._see_waiting()

    def go_back(self) -> None:
        """Leave; an import goes on without this screen."""
        if self._import is not None and self._import.is_done:
            self.context.tasks.importing = None
        if self._source:
            maps = tuple(self._said_maps().items())
            form = ImportOptions(self._source, maps, self._zone, policy=self._policy)
            self.context.tasks.import_form = form
        self.dismiss(None)

    def _said_maps(self) -> dict[str, str]:
        prefixes = self._look.prefixes if self._look is not None else ()
        return {**self._kept_maps, **{one.path: self._maps.get(one.path, "") for one in prefixes}}

    def show_import(self, running: Import) -> None:
        """Show how far the import is, or how it ended."""
        news = running.progress
        if news.step not in self._steps:
            self._steps.append(news.step)
        self._began = self._began or monotonic()
        self.query_one("#import-form").display = False
        self.query_one("#import-told").display = True
        what = "Dry run" if running.options.dry_run else "Import"
        self.query_one("#import-title", Line).show(line(f"{what} of {running.options.source}", limit=300))
        text = self.query_one("#import-text", Static)
        if running.report is not None:
            text.update(HungText(text_of.report_words(running.report)))
            words = f"To search them by meaning and looks: {self.key('work.embed_now')} on All images, in the folders."
            self._note("" if running.report.dry_run else words)
        elif running.error is not None:
            self._failed(running.error)
        else:
            text.update(text_of.progress_words(news, monotonic() - self._began, self._steps, running.tables))
            self._note("This screen can be left: the import goes on." if not running.fills else "")
        self.refresh_bindings()

    @task("failed")
    async def _failed(self, error: DtkError) -> None:
        """Say what went wrong in the words of this screen, and offer to go on."""
        self._waiting = await in_thread(unfinished, self.library.db)
        is_stopped = isinstance(error, StoppedError)
        detail = "The library is as it was." if is_stopped else self.in_keys(error.detail)
        if self._waiting is not None and (is_stopped or detail == error.detail):
            detail += f" {self.key('import.resume')} goes on with what was read."
        self._note(f"{error.title} {detail}".strip(), bad=not is_stopped)
        self.refresh_bindings()
