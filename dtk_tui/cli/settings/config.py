"""config path, show, get, set, edit, check."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dtk_tui.cli.options import Json
from dtk_tui.cli.output import print_json, print_table
from dtk_tui.errors import DtkError, UsageError
from dtk_tui.text import counted, display, one_line

if TYPE_CHECKING:
    from dtk_tui.services.settings.values import SettingState

commands = typer.Typer(help="The settings, and where they stand.", no_args_is_help=True)

Key = Annotated[str, typer.Argument(metavar="KEY", help="Section and name, e.g. worker.batch_size.")]


@commands.command(name="path")
def path_() -> None:
    """Print where config.toml is, or would be."""
    from dtk_tui.config import AppPaths

    sys.stdout.buffer.write(os.fsencode(AppPaths().config_file) + b"\n")
    sys.stdout.flush()


@commands.command(name="show")
def show(
    origin: Annotated[bool, typer.Option("--origin", help="One a line, with where its value comes from.")] = False,
    as_json: Json = False,
) -> None:
    """Print the settings in force, and the places of this library."""
    if origin:
        _show_origins(as_json)
        return
    from msgspec import to_builtins

    from dtk_tui.config import load
    from dtk_tui.setting_sources import holds_password

    config = load()
    settings = {section: _set(values) for section, values in to_builtins(config.settings).items()}
    if "url" in settings.get("database", {}):
        settings["database"]["url"] = "(set)"
    if holds_password(settings["captions"].get("base_url")):
        settings["captions"]["base_url"] = "(set)"
    places = {
        "config": str(config.paths.config_file),
        "database": "DTK_DATABASE_URL" if config.paths.database_url else str(config.paths.database),
        "models": str(config.paths.models),
        "log": str(config.paths.log_file),
        "cache": str(config.paths.cache),
    }
    if as_json:
        print_json({"settings": settings, "places": places})
        return
    import tomli_w

    typer.echo(display(tomli_w.dumps(settings)))
    for name, place in places.items():
        typer.echo(f"# {name:9}{one_line(place)}")


def _show_origins(as_json: bool) -> None:
    from dtk_tui.config import AppPaths
    from dtk_tui.services.settings.values import listed

    states = listed(AppPaths())
    if as_json:
        print_json({state.info.key: {"value": state.shown, "origin": state.origin} for state in states})
        return
    rows = [(state.info.key, _words(state), state.named or state.origin) for state in states]
    print_table(("key", "value", "origin"), rows)


@commands.command(name="get")
def get(key: Key, as_json: Json = False) -> None:
    """Print one setting as it is in force; of a secret only that it is set."""
    from dtk_tui.config import AppPaths
    from dtk_tui.services.settings.values import state_of

    state = state_of(AppPaths(), key)
    if as_json:
        print_json({"key": state.info.key, "value": state.shown, "origin": state.origin, "fault": state.fault or None})
        return
    if state.fault:
        raise DtkError(f"{display(state.named or key)} cannot be used.", state.fault)
    typer.echo(display(_words(state)))


@commands.command(name="set")
def set_(
    key: Key,
    value: Annotated[
        str | None,
        typer.Argument(metavar="VALUE", help="Text, number, true or false, a,b,c; without it, it is asked for."),
    ] = None,
    unset: Annotated[bool, typer.Option("--unset", help="Take it out, so that its default holds.")] = False,
) -> None:
    """Write one setting into config.toml; comments, order and everything else there stay."""
    from dtk_tui.config import AppPaths
    from dtk_tui.services.settings.values import set_value, state_of
    from dtk_tui.setting_sources import holds_password

    paths = AppPaths()
    if value is not None and unset:
        raise UsageError("Give either a value or --unset.", f"For example: dtk config set {one_line(key, 60)} --unset")
    if holds_password(value):
        raise UsageError(
            "A password on the command line can be read by every user, in the list of processes.",
            f"Leave the value out: dtk config set {one_line(key, 60)} asks for it, or reads it from standard input.",
        )
    if value is None and not unset:
        value = _asked(state_of(paths, key))
    _require_key(key, value)
    state = set_value(paths, key, value)
    typer.echo(f"{display(key)} is {display(_words(state))} ({state.named or state.origin}).")
    if state.named:
        typer.echo(f"{state.named} goes before config.toml.", err=True)
    typer.echo(f"It holds for commands from now on; what runs takes it over {state.info.effect}.")


def _asked(state: SettingState) -> str:
    """Ask for a value, or read it from standard input where that is no terminal."""
    if not sys.stdin.isatty():
        return sys.stdin.readline(1_000_000).rstrip("\r\n")
    try:
        answer: str = typer.prompt(state.info.key, hide_input=state.info.is_secret, err=True, default="")
    except typer.Abort as error:
        raise KeyboardInterrupt from error
    return answer


def _require_key(key: str, value: str | None) -> None:
    """Refuse keys for an action that does not exist, or that another action has; raises UsageError."""
    section, _, name = key.partition(".")
    if section != "keys" or not name or value is None:
        return
    from dtk_tui.config import AppPaths
    from dtk_tui.settings import read_toml
    from dtk_tui.ui.commands.settings.keymap import keymap_faults

    fault = keymap_faults({**_table(read_toml(AppPaths().config_file), "keys"), name: value}).get(name)
    if fault:
        raise UsageError(f"{one_line(key, 100)} cannot be {one_line(value, 60)}.", fault)


@commands.command(name="edit")
def edit() -> None:
    """Open config.toml in an editor ($VISUAL, $EDITOR); what cannot be used is told before it is put in place."""
    from dtk_tui.cli.settings.editor import edit_text
    from dtk_tui.config import AppPaths
    from dtk_tui.services.settings.whole import keep_beside, replace_text, text_to_edit

    paths = AppPaths()
    file = paths.config_file
    before = after = text_to_edit(file)
    while True:
        after = edit_text(after, ".toml")
        if after == before:
            typer.echo("Nothing was changed.")
            return
        try:
            replace_text(paths, after)
        except DtkError as error:
            typer.echo(display(f"dtk: {error.title}\n     {error.detail}".replace("\n", "\n     ")), err=True)
            if not _is_edited_again():
                kept = keep_beside(file, after)
                raise DtkError("config.toml is as it was.", f"What was typed is kept in {kept}.") from error
        else:
            typer.echo(f"{one_line(str(file), 5000)} is written.")
            return


def _is_edited_again() -> bool:
    """Ask; no answer is a no, so that what was typed is kept."""
    from dtk_tui.cli.open_library import confirmed

    try:
        return confirmed("Edit it again? Otherwise config.toml stays as it was.")
    except (DtkError, KeyboardInterrupt):
        return False


@commands.command(name="check")
def check(as_json: Json = False) -> None:
    """Say what is wrong with the settings, one by one; exit status 1 where something is."""
    from dtk_tui.config import AppPaths
    from dtk_tui.services.settings import values
    from dtk_tui.setting_sources import given, merged, outside_name
    from dtk_tui.settings import read_toml
    from dtk_tui.ui.commands.settings.keymap import keymap_faults

    paths = AppPaths()
    faults, outside = values.check(paths), given(paths.environ)
    keys = keymap_faults(_table(merged(read_toml(paths.config_file), outside), "keys"))
    faults = {f"keys.{one_line(name, 100)}": sentence for name, sentence in keys.items()} | faults
    if as_json:
        print_json({"file": str(paths.config_file), "faults": faults})
        if faults:
            raise typer.Exit(1)
        return
    named = {key: outside_name(key, outside) for key in faults}
    for key, sentence in faults.items():
        typer.echo(display(f"{named[key] or key}: {sentence}"))
    if faults:
        place = f"The file is {paths.config_file}"
        if all(named.values()):
            place = "They stand outside of config.toml" if len(faults) > 1 else "It stands outside of config.toml"
        raise DtkError(f"{counted(len(faults), 'setting')} cannot be used.", f"{place}.")
    typer.echo("Every setting can be used.")


def _table(raw: dict[str, Any], name: str) -> dict[str, Any]:
    found = raw.get(name)
    return found if isinstance(found, dict) else {}


def _set(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _words(state: SettingState) -> str:
    return "(unset)" if state.value is None else state.words
