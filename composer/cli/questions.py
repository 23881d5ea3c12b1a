"""`munal why`, `munal why-not`, `munal graph`, `munal diff` and `munal size`: questions about a system, and answers with places."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from composer.cli.options import FORMAT, SETTINGS, TARGET, variant_of, variant_option, workspace, workspace_option
from composer.questions.resources import GRAMMAR
from composer.variant import Variant

T = TypeVar("T")

GATES = ("gained", "lost", "any")


def _question(command: Callable[..., Any]) -> Any:
    """APP, RESOURCE and PROFILE, with --target, -D, --format and -C."""
    for option in (workspace_option, FORMAT, SETTINGS, TARGET, click.argument("words", nargs=-1, required=True, metavar="RESOURCE [PROFILE[@TARGET]]"),
                   click.argument("app", metavar="APP")):
        command = option(command)
    return command


@click.command(epilog=GRAMMAR)
@_question
def why(app: str, words: tuple[str, ...], target: str | None, settings: tuple[str, ...], form: str) -> int:
    """Tell why APP may use RESOURCE. APP is an app or an instance; each layer that allows it is shown, and where it is written.

    Exits with status 1 where it may not: `munal why-not` tells more of that.
    """
    return _asked(app, words, target, settings, form, wanted=True)


@click.command(name="why-not", epilog=GRAMMAR)
@_question
def why_not(app: str, words: tuple[str, ...], target: str | None, settings: tuple[str, ...], form: str) -> int:
    """Tell why APP may not use RESOURCE. Each layer that denies it is shown, and the edit that would allow it.

    The edit is tried in memory, and what the rules would then say is told; nothing is written. Exits with status 1 where
    it may: `munal why` tells more of that.
    """
    return _asked(app, words, target, settings, form, wanted=False)


def _asked(app: str, words: tuple[str, ...], target: str | None, settings: tuple[str, ...], form: str, wanted: bool) -> int:
    """Ask, and print those answers that are as wanted, or else all."""
    from composer import report
    from composer.colour import coloured
    from composer.questions import report_why
    from composer.questions.asked import ask, names_in
    from composer.questions.resources import read_question
    from composer.questions.why import answer, instances_meant, remedy

    names = names_in(workspace())
    resource, named = _understood(lambda: read_question(words, names))
    made = ask(workspace(), variant_of(named, target, settings))
    if made.value is None:
        report.refused(made)
        return report.REFUSED
    asked = made.value
    meant = _understood(lambda: instances_meant(asked, app))
    answers = _understood(lambda: [answer(asked, name, resource) for name in meant])
    fitting = [each for each in answers if each.allowed is wanted]
    shown = fitting or answers
    remedies = {} if wanted else {each.instance: remedy(asked, each) for each in shown if not each.allowed}
    profile = asked.system.profile
    _put(form, report_why.to_text(shown, remedies, profile, coloured(sys.stdout)), report_why.to_data(shown, remedies, profile))
    if not fitting:
        click.echo(report_why.other_way(words, app, wanted), err=True)
    return 0 if fitting else report.REFUSED


@click.command()
@click.argument("subject", required=False, metavar="[PROFILE[@TARGET] | IMAGE]")
@TARGET
@SETTINGS
@FORMAT
@workspace_option
def size(subject: str | None, target: str | None, settings: tuple[str, ...], form: str) -> int:
    """Tell what the bytes of an image are for. It is a profile, or an image file (with a slash or a dot in its name)."""
    from composer import report
    from composer.colour import coloured
    from composer.questions import report_size, sides
    from composer.questions.size import sizes

    if subject and sides.is_image(subject):
        made = _understood(lambda: sides.image_side(Path(subject)))
        wasm = {}
    else:
        made, wasm = sides.profile_sizes(workspace(), variant_of(subject, target, settings))
    if report.refused(made):
        return report.REFUSED
    found = sizes(made.value, wasm)
    if form == "text" and coloured(sys.stdout):
        report_size.show(found, sys.stdout)
    else:
        _put(form, report_size.to_text(found), report_size.to_data(found))
    return 0


@click.command(name="diff")
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@click.option("--fail-on", "gate", type=click.Choice(GATES), help="Exit with status 1 where B gained or lost a grant, or where anything differs.")
@SETTINGS
@FORMAT
@workspace_option
def diff_command(a: str, b: str, gate: str | None, settings: tuple[str, ...], form: str) -> int:
    """Tell what B may do and A may not, and the other way round.

    A and B are each a profile, as PROFILE[@TARGET], or an image file (with a slash or a dot in its name), in any mix.
    """
    from composer import report
    from composer.questions import report_diff, sides
    from composer.questions.diff import diff

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
    """Draw what runs, how it is joined, and which hardware it holds."""
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
