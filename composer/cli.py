"""The command line: each command parses its words, calls one function and prints what that gives.

What a command does not need, it does not import. What was asked for goes to standard output, all else to standard error.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from composer import __version__

USAGE = 2
OWN_WORKSPACE = Path(__file__).resolve().parent.parent
STAGES = ("load", "model", "resolve", "inspect", "check", "generate", "compile", "link")

FORMAT = click.option("--format", "form", type=click.Choice(("text", "json")), default="text", help="How to print what is found.")
PROFILE = click.argument("profile", required=False)
HEADLESS = click.option("--headless", is_flag=True, help="No window, whatever the display.")
TIMEOUT = click.option("--timeout", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="Stop after this long, with status 124.")


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
    """Commands in the order in which they are written, with the nearest one offered for a misspelled one."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and self.get_command(ctx, args[0]) is None:
            from composer.diagnostics import did_you_mean

            near = did_you_mean(args[0], self.list_commands(ctx))
            ctx.fail(f"there is no command `{args[0]}`; {near or '`munal --help` lists them'}")
        return super().resolve_command(ctx, args)


def workspace_option(command: Any) -> Any:
    """-C may stand before the command and after it."""
    return click.option("-C", "--workspace", "folder", type=click.Path(file_okay=False, path_type=Path),
                        help="The workspace: a folder with a munal.toml.", expose_value=False, callback=_keep_workspace)(command)


def _keep_workspace(ctx: click.Context, parameter: click.Parameter, value: Path | None) -> None:
    if value is not None:
        ctx.find_root().obj = value


@click.group(cls=Commands, no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="munal %(version)s")
@workspace_option
def cli() -> None:
    """From TOML manifests to a bootable image of isolated WebAssembly processes.

    Without -C, the workspace is the nearest folder with a munal.toml, from here upwards, or else Munal's own.
    """


@cli.command()
@click.argument("profiles", nargs=-1)
@click.option("--until", type=click.Choice(STAGES), help="Print what this stage gives, instead.")
@FORMAT
@workspace_option
def check(profiles: tuple[str, ...], until: str | None, form: str) -> int:
    """Find everything that is wrong with PROFILES, or with all of them."""
    from composer import pipeline, report

    if until:
        return _print_stage(profiles, until, form)
    root = _root()
    made = [pipeline.compose(root, name, pipeline.Stage.CHECK) for name in profiles] or [pipeline.check_all(root)]
    return report.checked(made, form)


@cli.command()
@PROFILE
@click.option("--keep", is_flag=True, help="Leave glue, system table and wasm beside the image, to read.")
@click.option("--disk", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Also write a FAT disk image that boots.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Also write the image here.")
@click.option("--until", type=click.Choice(STAGES), help="Stop after this stage, and print what it gives.")
@FORMAT
@workspace_option
def build(profile: str | None, keep: bool, disk: Path | None, output: Path | None, until: str | None, form: str) -> int:
    """Build the image of PROFILE."""
    from composer import pipeline, report

    if until:
        return _print_stage((profile,) if profile else (), until, form)
    built = pipeline.compose(_root(), profile, keep=keep)
    if built.ok:
        _copies(built.value, disk, output)
    return report.built(built, form)


@cli.command(name="run")
@PROFILE
@HEADLESS
@TIMEOUT
@click.option("--accel", type=click.Choice(("auto", "kvm", "tcg")), default="auto", help="Hardware virtualization, or software emulation.")
@click.option("--firmware", is_flag=True, help="Show what the firmware says, too.")
@workspace_option
def run_command(profile: str | None, headless: bool, timeout: float | None, accel: str, firmware: bool) -> int:
    """Boot PROFILE in QEMU, its serial line on this terminal. Ctrl-A X leaves."""
    from composer import launch

    return launch.run(_root(), profile, headless=headless, timeout=timeout, accel=accel, firmware=firmware)


@cli.command()
@PROFILE
@TIMEOUT
@workspace_option
def simulate(profile: str | None, timeout: float | None) -> int:
    """Run PROFILE on this machine, with simulated devices: no QEMU, no kernel."""
    from composer import launch

    return launch.simulate(_root(), profile, timeout=timeout)


@cli.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def test(arguments: tuple[str, ...]) -> int:
    """Run Munal's own tests; ARGUMENTS go to pytest."""
    from composer import launch

    return launch.test(arguments)


@cli.command()
@click.option("--all", "everything", is_flag=True, help="Also what set-up installed there.")
def clean(everything: bool) -> None:
    """Empty the cache of what was built."""
    from composer import cache

    freed = cache.clean(everything)
    click.echo(f"freed {freed / 1e6:.1f} MB in {cache.root()}")


@cli.command()
@FORMAT
def doctor(form: str) -> int:
    """Tell what Munal needs on this machine, and what is missing."""
    from composer import report
    from composer.doctor import examine

    return report.examined(examine(), form)


@cli.command()
def reference() -> None:
    """Print all interfaces as Markdown: what manifests may say and what apps may call."""
    from composer.interfaces import load_interfaces
    from composer.reference import render_reference

    click.echo(render_reference(load_interfaces()), nl=False)


@cli.command(name="help")
@click.argument("command", required=False)
@click.pass_context
def help_command(ctx: click.Context, command: str | None) -> None:
    """Tell about a command, or list them."""
    group = ctx.find_root()
    if command is None:
        click.echo(group.get_help())
        return
    _, found, _ = cli.resolve_command(group, [command])
    with click.Context(found, info_name=command, parent=group) as about:
        click.echo(found.get_help(about))


def _root() -> Path:
    """The workspace: the one named by -C, the nearest from here upwards, or Munal's own."""
    named = click.get_current_context().find_root().obj
    if named is not None:
        return named
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / "munal.toml").is_file()), OWN_WORKSPACE)


def _print_stage(profiles: tuple[str, ...], until: str, form: str) -> int:
    from composer import pipeline, report

    root = _root()
    results = [pipeline.compose(root, name, pipeline.Stage(until)) for name in profiles or (None,)]
    return max([report.stage(result, form, root) for result in results])


def _copies(built: Any, disk: Path | None, output: Path | None) -> None:
    from composer import cache

    if output is not None:
        cache.write_output(output, built.image.read_bytes())
    if disk is not None:
        from composer.fat import write_disk

        write_disk(built.image.read_bytes(), disk)
