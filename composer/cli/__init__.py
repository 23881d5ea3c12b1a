"""The command line: each command parses its words, calls one function and prints what that gives.

A command's module is imported when it is asked for, and what a command does not need, it does not import. What was asked
for goes to standard output, all else to standard error.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from composer import __version__
from composer.cli.options import workspace_option

USAGE = 2

COMMANDS = {
    "new": "new",
    "check": "build", "build": "build",
    "proof": "proof", "tighten": "proof",
    "explain": "explain", "config": "config",
    "lock": "images", "inspect": "images", "verify": "images", "rebuild": "images",
    "why": "questions", "why-not": "questions", "graph": "questions", "diff": "questions", "size": "questions",
    "run": "boot", "simulate": "boot", "test": "boot", "bench": "bench",
    "clean": "house", "doctor": "house", "reference": "house", "help": "house",
}
"""The module of this folder that defines each command, in the order in which `munal help` lists them."""


def run(words: Sequence[str]) -> int:
    """Run one command line; gives its exit status."""
    try:
        status = cli.main(args=list(words), prog_name="munal", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as asked:
        click.echo(asked.ctx.get_help())
        return 0
    except click.ClickException as wrong:
        wrong.show()
        return USAGE
    except click.Abort:
        raise KeyboardInterrupt from None
    except SystemExit as left:
        # click's own answer to a reader that is gone; nothing of ours leaves by this status here.
        if left.code == 1:
            raise BrokenPipeError from None
        raise
    return status if isinstance(status, int) else 0


class Commands(click.Group):
    """Commands by name, with the nearest one offered for a misspelled one."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        defined = vars(import_module(f"composer.cli.{COMMANDS[name]}")).values()
        return next(command for command in defined if isinstance(command, click.Command) and command.name == name)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and self.get_command(ctx, args[0]) is None:
            from composer.diagnostics import did_you_mean

            near = did_you_mean(args[0], self.list_commands(ctx))
            ctx.fail(f"there is no command `{args[0]}`; {near or '`munal --help` lists them'}")
        return super().resolve_command(ctx, args)


@click.group(cls=Commands, no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="munal %(version)s")
@workspace_option
def cli() -> None:
    """From TOML manifests to a bootable image of isolated WebAssembly processes.

    Without -C, the workspace is the nearest folder with a munal.toml, from here upwards, or else Munal's own.
    """
