"""`munal why`, `munal why-not`, `munal graph`, `munal diff` and `munal size`: questions about a system, and answers with places."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from composer.cli.options import FORMAT, variant_option, workspace, workspace_option
from composer.variant import Variant

T = TypeVar("T")

GATES = ("gained", "lost", "any")


@click.command(name="diff")
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@click.option("--fail-on", "gate", type=click.Choice(GATES), help="Exit with status 1 where B gained or lost a grant, or where anything differs.")
@click.option("-D", "settings", multiple=True, metavar="KEY=VALUE", help="Set a parameter of the profiles that are compared.")
@FORMAT
@workspace_option
def diff_command(a: str, b: str, gate: str | None, settings: tuple[str, ...], form: str) -> int:
    """Tell what B may do and A may not, and the other way round.

    A and B are each a profile, as PROFILE[@TARGET], or an image file (with a slash or a dot in its name), in any mix.
    """
    from composer import report, report_diff, sides
    from composer.diff import diff

    linked = sides.is_image(a) or sides.is_image(b)
    made = {}
    for word in sorted((a, b), key=sides.is_image, reverse=True):   # a file that is not there is told before anything is built
        made[word] = _understood(lambda word=word: sides.side_of(workspace(), word, settings, linked))
        if report.refused(made[word]):
            return report.REFUSED
    found = diff(made[a].value, made[b].value)
    _put(form, report_diff.to_text(found), report_diff.to_data(found))
    return report.REFUSED if found.fails(gate) else 0


@click.command()
@variant_option
@click.option("--format", "form", type=click.Choice(("text", "dot", "svg", "json")), default="text", help="How to draw it.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write it here.")
@workspace_option
def graph(variant: Variant, form: str, output: Path | None) -> int:
    """Draw a profile: what runs, how it is joined, and which hardware it holds."""
    from composer import drawing, report
    from composer.pipeline import Stage, compose

    system = compose(workspace(), variant, Stage.RESOLVE)
    if report.refused(system):
        return report.REFUSED
    drawn = drawing.draw(system.value, form)
    if output is None:
        print(drawn, end="")
    else:
        from composer.cache import write_output

        write_output(output, drawn.encode())
    return 0


def _understood(ask: Callable[[], T]) -> T:
    """What `ask` gives. Raises click.UsageError where its words name nothing, or no file that can be read."""
    try:
        return ask()
    except ValueError as problem:
        raise click.UsageError(str(problem)) from problem
    except OSError as problem:
        raise click.UsageError(f"`{problem.filename}` cannot be read: {(problem.strerror or 'it cannot be opened').lower()}") from problem


def _put(form: str, text: str, data: Any) -> None:
    """The answer, to standard output."""
    import json

    print(json.dumps(data, indent=2) if form == "json" else text.rstrip("\n"))
