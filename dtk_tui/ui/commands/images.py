"""Putting work into the queue from a screen."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from dtk_tui.domain.job import NORMAL, NOW, Kind, WorkerState
from dtk_tui.domain.queue import Enqueued, Target
from dtk_tui.services import queue as queueing
from dtk_tui.ui.background import in_thread, task
from dtk_tui.ui.dialogs import Entry, Menu
from dtk_tui.ui.screens.base import DtkScreen
from dtk_tui.ui.widgets.preview import TABS, Preview


def enqueued_words(result: Enqueued) -> str:
    """Return what an enqueue did, e.g. ``12 queued, 3 already done, 5 spared``."""
    words = [f"{result.queued:,} queued", f"{result.already_done:,} already done", f"{result.spared:,} spared"]
    if result.waiting:
        words.insert(1, f"{result.waiting:,} in the queue already")
    return ", ".join(words)


class WorkScreen(DtkScreen):
    """A screen on which something stands that work can be queued for: ``target`` says what."""

    BINDING_GROUP_TITLE = "Work"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "e", "work('embed_now', False)", "Embed now", id="work.embed_now", tooltip="Embed before everything else"
        ),
        Binding("E", "work('embed_now', True)", "Embed now with subfolders", show=False, id="work.embed_now_deep"),
        Binding("u", "work('embed', False)", "Queue", show=False, id="work.queue", tooltip="Queue for embedding"),
        Binding("U", "work('embed', True)", "Queue with subfolders", show=False, id="work.queue_deep"),
        Binding("t", "work('tag', False)", "Tag", id="work.tag"),
        Binding("T", "work('tag', True)", "Tag with subfolders", show=False, id="work.tag_deep"),
        Binding("s", "similar", "Find similar", show=False, id="work.similar"),
        Binding("m", "menu", "Menu", id="work.menu"),
        *(
            Binding(str(number), f"tab({number - 1})", f"Show {name.lower()}", show=False, id=f"preview.{name.lower()}")
            for number, name in enumerate(TABS, 1)
        ),
    ]
    _WORK: ClassVar[dict[str, tuple[Kind, int]]] = {
        "embed_now": (Kind.EMBED, NOW),
        "embed": (Kind.EMBED, NORMAL),
        "tag": (Kind.TAG, NORMAL),
    }

    def target(self, deep: bool) -> Target | None:
        """Return what work is for, ``deep`` with subfolders; None when there is nothing, or it has none."""
        return None

    def target_name(self) -> str:
        """Return how to call it in a title."""
        return ""

    def work_changed(self) -> None:
        """Show what is queued now."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer subfolders only where there may be some."""
        if action == "work" and parameters[1] is True and self.is_mounted:
            return self.target(True) is not None
        return super().check_action(action, parameters)

    def action_work(self, name: str, deep: bool) -> None:
        """Queue one kind of work."""
        target = self.target(deep)
        if target is None:
            self.dtk.say("There is nothing to queue here.", severity="warning")
        else:
            kind, priority = self._WORK[name]
            self._enqueue(target, kind, priority)

    @task("enqueue", exclusive=False, asked=True)
    async def _enqueue(self, target: Target, kind: Kind, priority: int) -> None:
        library = self.library
        result = await in_thread(queueing.enqueue, library.db, library.config, target, [kind], priority=priority)
        words = enqueued_words(result)
        stats = self.dtk.stats
        if result.queued and stats is not None and stats.desired is not WorkerState.RUNNING:
            words += f". The worker is {stats.state.value}: F5 starts it."
        self.dtk.say(words)
        self.dtk.look_now()
        self.work_changed()

    def action_tab(self, number: int) -> None:
        """Show another page of the preview."""
        self.query_one(Preview).show_tab(number)

    def action_similar(self) -> None:
        """Find images like this one."""

    def menu_actions(self) -> list[str]:
        """Return the binding ids that the menu offers."""
        return []

    def action_menu(self) -> None:
        """Offer what can be done here."""
        by_id = {action.binding.id: action for action in self.dtk.actions(self)}
        found = [by_id[one] for one in self.menu_actions() if one in by_id]
        entries = [Entry(one.binding.description, one.keys, one.binding.id or "", one.pressed) for one in found]

        async def chosen(name: str | None) -> None:
            if name is not None:
                await self.app.run_action(by_id[name].binding.action, by_id[name].node)

        self.app.push_screen(Menu(self.target_name(), entries), chosen)
