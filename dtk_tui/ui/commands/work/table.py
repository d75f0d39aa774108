"""The commands of the screens of work: the queue, its failures by reason, the log, who works and how fast."""

from __future__ import annotations

from dtk_tui.ui.commands.command import SCREEN, Command
from dtk_tui.ui.commands.run import ScreenMethod

QUEUE = (
    Command(
        "queue.now", "n", "Now", SCREEN, ScreenMethod("prioritize"),
        in_footer=True, tooltip="Do the chosen jobs before everything else",
    ),
    Command(
        "queue.retry", "y", "Retry", SCREEN, ScreenMethod("retry"),
        in_footer=True, tooltip="Let the chosen failed jobs wait again",
    ),
    Command("queue.retry_all", "Y", "Retry all failed", SCREEN, ScreenMethod("retry_all")),
    Command("queue.remove", "d,delete", "Remove", SCREEN, ScreenMethod("remove_jobs"), in_footer=True, key_name="d"),
    Command("queue.filter", "tab", "Filter", SCREEN, ScreenMethod("show_filter", (1,)), in_footer=True, key_name="Tab"),
    Command("queue.filter_back", "shift+tab", "Filter backwards", SCREEN, ScreenMethod("show_filter", (-1,))),
    Command("queue.kind", "t", "Only one kind of work", SCREEN, ScreenMethod("show_kind")),
    Command(
        "queue.reasons", "f", "Failures", SCREEN, ScreenMethod("show_reasons"),
        in_footer=True, tooltip="Failures by their reasons",
    ),
    Command("queue.picture", "v", "Picture of the job", SCREEN, ScreenMethod("open_picture")),
    Command("queue.refresh", "r", "Refresh", SCREEN, ScreenMethod("load_again"), in_footer=True),
    Command("queue.leave", "escape,q", "Back", SCREEN, ScreenMethod("go_back"), in_footer=True, key_name="Esc"),
)  # fmt: skip
FAILURES = (
    Command(
        "failures.retry", "y", "Retry", SCREEN, ScreenMethod("retry"),
        in_footer=True, tooltip="Let all jobs wait again that failed for this reason",
    ),
    Command(
        "failures.remove", "d,delete", "Remove", SCREEN, ScreenMethod("remove_jobs"), in_footer=True, key_name="d",
        tooltip="Take all jobs out of the queue that failed for this reason",
    ),
    Command("failures.picture", "v", "Picture", SCREEN, ScreenMethod("open_picture"), in_footer=True),
    Command("failures.refresh", "r", "Refresh", SCREEN, ScreenMethod("load_again"), in_footer=True),
    Command("failures.leave", "escape,q", "Back", SCREEN, ScreenMethod("go_back"), in_footer=True, key_name="Esc"),
)  # fmt: skip
LOG = (
    Command("log.filter", "tab", "Filter", SCREEN, ScreenMethod("show_outcome", (1,)), in_footer=True, key_name="Tab"),
    Command("log.filter_back", "shift+tab", "Filter backwards", SCREEN, ScreenMethod("show_outcome", (-1,))),
    Command("log.kind", "t", "Only one kind", SCREEN, ScreenMethod("show_kind"), in_footer=True),
    Command(
        "log.follow", "f", "Follow", SCREEN, ScreenMethod("toggle_follow"),
        in_footer=True, tooltip="Show what ends as it ends, or let the list stand still",
    ),
    Command("log.picture", "v", "Picture", SCREEN, ScreenMethod("open_picture"), in_footer=True),
    Command("log.refresh", "r", "Refresh", SCREEN, ScreenMethod("load_again"), in_footer=True),
    Command("log.leave", "escape,q", "Back", SCREEN, ScreenMethod("go_back"), in_footer=True, key_name="Esc"),
)  # fmt: skip
ACTIVITY = (
    Command("activity.refresh", "r", "Refresh", SCREEN, ScreenMethod("load_again"), in_footer=True),
    Command("activity.leave", "escape,q", "Back", SCREEN, ScreenMethod("go_back"), in_footer=True, key_name="Esc"),
)
