"""Rules about channels: both ends mean the same messages, what is held is bounded, and what may be shared has a way to go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from composer.check.wiring import grant_notes
from composer.diagnostics import Diagnostic, at, error, rule, warning, words
from composer.spans import Span
from composer.system import CARRIED_AS, MOST_QUEUED, App, Need, Provide, System
from composer.units import format_size


def _kinds(kinds: tuple[str, ...]) -> str:
    return f"handles of {' and '.join(f'{kind}s' for kind in kinds)}" if kinds else "no handles"


_SAID = {"largest": lambda size: f"messages of at most {format_size(size)}", "carries": _kinds}
"""What both ends must say alike of a channel's messages, in words."""


@rule("M0231", "the two ends of a channel mean different messages")
def check_messages_agree(system: System, facts: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """Yield one diagnostic for each of the largest message and the kinds of handles in which the ends of a channel differ."""
    for wire in system.wires:
        if wire.capability != "channel" or wire.provide is None:
            continue
        for key, in_words in _SAID.items():
            asked, offered = wire.need.fields[key], wire.provide.fields[key]
            if asked != offered:
                yield error(
                    "M0231", f"`{wire.client}` means {in_words(asked)} and `{wire.server}` means {in_words(offered)}",
                    at(wire.span, "wired here"),
                    at(_place(wire.need, key), f"`{wire.client}` says {in_words(asked)}"),
                    at(_place(wire.provide, key), f"`{wire.server}` says {in_words(offered)}"),
                    help=f"write the same `{key}` at both ends", notes=grant_notes(system, wire),
                )


@rule("M0232", "a channel could hold too much")
def check_queues_are_small(system: System, facts: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """Yield one diagnostic for each channel of which one direction could hold more than 4 MiB: the kernel keeps room for all of it."""
    for app in system.apps:
        for provide in app.provides:
            if provide.capability == "channel" and provide.fields["depth"] * provide.fields["largest"] > MOST_QUEUED:
                depth, largest = provide.fields["depth"], provide.fields["largest"]
                yield error(
                    "M0232", f"`{app.name}` lets `channel.{provide.name}` hold {depth} messages of {format_size(largest)}",
                    at(_place(provide, "depth"), f"{depth} messages in each direction"), at(_place(provide, "largest"), f"of {format_size(largest)} each"),
                    help=f"`depth = {MOST_QUEUED // largest}` is possible: {format_size(MOST_QUEUED)} in each direction",
                )


@rule("M0233", "something may be shared, and nothing carries it")
def check_shared_is_carried(system: System, facts: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """Yield one warning for each need or provide with `share` whose kind no channel of its app carries."""
    for app in system.apps:
        carried = {kind for fields in app.fields for kind in fields.get("carries", ())}
        for party in (*app.needs, *app.provides):
            kind = CARRIED_AS.get(party.capability, party.capability)
            if party.fields.get("share") and kind not in carried:
                yield warning(
                    "M0233", f"`{app.name}` may share `{party.capability}.{party.name}`, but none of its channels carries handles of {kind}s",
                    at(_place(party, "share"), "this permission is of no use"), *_channels(app),
                    help=f'remove `share`, or let a channel carry them with `carries = ["{kind}"]` at both ends',
                )


def _channels(app: App) -> Iterator[Any]:
    for party in (*app.needs, *app.provides):
        if party.capability == "channel":
            carries = party.fields["carries"]
            yield at(_place(party, "carries"), f"`{party.name}` carries {words(carries) if carries else 'none'}")


def _place(party: Need | Provide, key: str) -> Span:
    return party.spans.get(key, party.span)
