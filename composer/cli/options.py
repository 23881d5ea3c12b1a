"""What several commands take: the workspace, what to compose, and the form of what is printed."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from composer import colour, recall, units
from composer.variant import Variant, make_variant

OWN_WORKSPACE = Path(__file__).resolve().parent.parent.parent

FORMAT = click.option("--format", "form", type=click.Choice(("text", "json")), default="text", help="How to print what is found.")
FORMAT_OF_DIAGNOSTICS = click.option("--format", "form", type=click.Choice(("text", "json", "sarif")), default="text",
                                     help="How to print what is found; `sarif` is SARIF 2.1.0, for code hosts and editors.")
TIMEOUT = click.option("--timeout", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="Stop after this long, with status 124.")
LOCKED = click.option("--locked", is_flag=True, help="Refuse what is made of anything else than munal.lock says.")
SETTINGS = click.option("-D", "settings", multiple=True, metavar="KEY=VALUE", help="Set a parameter that the profile declares.")
TARGET = click.option("--target", metavar="NAME", help="The target to compose for, as in PROFILE@TARGET.")


class Memory(click.ParamType):
    """A machine's memory: a size as manifests have them, in whole MiB; what the firmware needs, and what fits below any computer's end."""

    name = "size"
    least, most = 128, 1 << 20
    """In MiB."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            size = units.parse_size(value)
        except units.Complaint as problem:
            self.fail(f"{problem.message}: {problem.help}", param, ctx)
        if size % units.MIB or not self.least <= size // units.MIB <= self.most:
            self.fail(f"{value} is not a whole number of MiB from {self.least} MiB to {self.most // 1024} GiB", param, ctx)
        return size // units.MIB


def workspace_option(command: Any) -> Any:
    """-C and --color, which may stand before the command and after it."""
    return click.option("-C", "--workspace", "folder", type=click.Path(file_okay=False, path_type=Path),
                        help="The workspace: a folder with a munal.toml.", expose_value=False, callback=_keep_workspace)(color_option(command))


def color_option(command: Any) -> Any:
    """--color: what is printed is coloured on a terminal, unless this or NO_COLOR says otherwise."""
    return click.option("--color", type=click.Choice(colour.CHOICES), help="Whether to colour what is printed; `auto`: on a terminal.",
                        expose_value=False, callback=_choose_colour)(command)


def _choose_colour(ctx: click.Context, parameter: click.Parameter, value: str | None) -> None:
    if value is not None:
        ctx.find_root().with_resource(colour.choosing(value))


def _keep_workspace(ctx: click.Context, parameter: click.Parameter, value: Path | None) -> None:
    if value is not None:
        ctx.find_root().obj = value


def workspace() -> Path:
    """The workspace: the one named by -C, the nearest from here upwards, or Munal's own."""
    named = click.get_current_context().find_root().obj
    if named is not None:
        return named
    here = Path.cwd()
    for folder in (here, *here.parents):
        recall.RUN.look(folder / "munal.toml")
        if (folder / "munal.toml").is_file():
            return folder
    return OWN_WORKSPACE


def variant_option(command: Callable[..., Any]) -> Any:
    """One PROFILE[@TARGET], --target and -D: the command gets a `variant`."""

    @wraps(command)
    def with_variant(profile: str | None, target: str | None, settings: tuple[str, ...], **others: Any) -> Any:
        return command(variant=variant_of(profile, target, settings), **others)

    return click.argument("profile", required=False, metavar="[PROFILE[@TARGET]]")(TARGET(SETTINGS(with_variant)))


def variants_option(command: Callable[..., Any]) -> Any:
    """Any number of PROFILE[@TARGET], --target and -D for all of them: the command gets `variants`, empty where none is named."""

    @wraps(command)
    def with_variants(profiles: tuple[str, ...], target: str | None, settings: tuple[str, ...], **others: Any) -> Any:
        if not profiles and (target or settings):
            return command(variants=(variant_of(None, target, settings),), **others)
        return command(variants=tuple(variant_of(profile, target, settings) for profile in profiles), **others)

    return click.argument("profiles", nargs=-1, metavar="[PROFILE[@TARGET]]...")(TARGET(SETTINGS(with_variants)))


def variant_of(profile: str | None, target: str | None, settings: tuple[str, ...]) -> Variant:
    """What the words mean. Raises click.UsageError where they make no sense."""
    try:
        variant = make_variant(profile, settings)
    except ValueError as problem:
        raise click.UsageError(str(problem)) from problem
    if target and variant.target and target != variant.target:
        raise click.UsageError(f"`{profile}` is for `{variant.target}`, and --target says `{target}`: name one")
    return Variant(variant.profile, target or variant.target, variant.settings)
