"""Commands about Munal itself: `munal clean`, `munal doctor`, `munal reference` and `munal help`."""

from __future__ import annotations

import click

from composer.cli.options import FORMAT


@click.command()
@click.option("--all", "everything", is_flag=True, help="Also what set-up installed there.")
def clean(everything: bool) -> None:
    """Empty the cache of what was built."""
    from composer import cache

    freed = cache.clean(everything)
    click.echo(f"freed {freed / 1e6:.1f} MB in {cache.root()}")


@click.command()
@FORMAT
def doctor(form: str) -> int:
    """Tell what Munal needs on this machine, and what is missing."""
    from composer import report
    from composer.doctor import examine

    return report.examined(examine(), form)


@click.command()
def reference() -> None:
    """Print all interfaces as Markdown. They are what manifests may say and what apps may call."""
    from composer.interfaces import load_interfaces
    from composer.reference import render_reference

    click.echo(render_reference(load_interfaces()), nl=False)


@click.command(name="help")
@click.argument("command", required=False)
@click.pass_context
def help_command(ctx: click.Context, command: str | None) -> None:
    """Tell about a command, or list them."""
    root = ctx.find_root()
    group = root.command
    if command is None or not isinstance(group, click.Group):
        click.echo(root.get_help())
        return
    _, found, _ = group.resolve_command(root, [command])
    if found is not None:
        with click.Context(found, info_name=command, parent=root) as about:
            click.echo(found.get_help(about))
