"""Values in place of references, in what one profile says, before it is joined with others.

Gets trees of nodes and the settings of a variant; gives trees in which nothing refers to a parameter, and remembers which
value came from which parameter, so that every diagnostic about one can say so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from composer import references
from composer.diagnostics import Diagnostic, at, declare, did_you_mean, error, words
from composer.params import M0221, Setting
from composer.spans import Span
from composer.toml_spans import Node

M0226 = declare("M0226", "a reference within a text to what is no text")


@dataclass(frozen=True, slots=True)
class Use:
    """A value that was made from settings. The node is kept, so that its identity stays its own."""

    node: Node
    settings: tuple[Setting, ...]


@dataclass(frozen=True)
class Substitution:
    """Puts `settings` in place of references; `declared` are the names of all parameters, those without a sound value too.
    `uses` has every value made so, by its node's identity; `spoilt` the places of those that have none, because a fault which has been said keeps it from them."""

    settings: Mapping[str, Setting]
    declared: Collection[str]
    uses: dict[int, Use] = field(default_factory=dict)
    spoilt: set[Span] = field(default_factory=set)

    def apply(self, node: Node, said: list[Diagnostic]) -> Node:
        """The tree with values; parts without references are shared with the old one."""
        if isinstance(node.value, str):
            return self._text(node, said) if references.has_marks(node.value) else node
        if isinstance(node.value, dict):
            self.spoilt.update(child.place for key, child in node.value.items() if references.has_marks(key))
            table = {key: self.apply(child, said) for key, child in node.value.items()}
            return Node(table, node.span, node.key) if any(table[key] is not child for key, child in node.value.items()) else node
        if isinstance(node.value, list):
            items = [self.apply(child, said) for child in node.value]
            return self._array(node, items) if any(new is not old for new, old in zip(items, node.value, strict=True)) else node
        return node

    def _array(self, node: Node, items: list[Node]) -> Node:
        """An array counts as one value, so it is made of all the settings that its items are made of."""
        made = Node(items, node.span, node.key)
        settings = tuple(setting for item in items if id(item) in self.uses for setting in self.uses[id(item)].settings)
        self.uses[id(made)] = Use(made, settings)
        return made

    def _text(self, node: Node, said: list[Diagnostic]) -> Node:
        names = references.names(node.value)
        unknown = [name for name in names if name not in self.declared]
        said.extend(self._undeclared(node, name) for name in unknown)
        if references.is_misspelt(node.value) or any(name not in self.settings for name in names):
            self.spoilt.add(node.span)
            return node
        only = references.whole(node.value)
        if only:
            return self._made(node, self.settings[only].value, [only])
        wrong = [self.settings[name] for name in dict.fromkeys(names) if not self.settings[name].parameter.kind.words]
        if wrong:
            said.extend(_no_text(node, setting) for setting in wrong)
            self.spoilt.add(node.span)
            return node
        return self._made(node, references.without_marks(node.value, {name: self.settings[name].text for name in names}), names)

    def _made(self, node: Node, value: object, names: Iterable[str]) -> Node:
        made = Node(value, node.span, node.key)
        self.uses[id(made)] = Use(made, tuple(self.settings[name] for name in dict.fromkeys(names)))
        return made

    def _undeclared(self, node: Node, name: str) -> Diagnostic:
        known = sorted(self.declared)
        return error(M0221, f"`${{{name}}}` refers to a parameter that no profile here declares", at(references.place(node, name)),
                     help=did_you_mean(name, known) or (f"there are {words(known)}" if known else f"declare it: `[param.{name}]`"))

    def settings_of(self, leaf: Node) -> tuple[Setting, ...]:
        """What a value was made of; nothing for one that stands in its manifest as it is."""
        use = self.uses.get(id(leaf))
        return use.settings if use else ()

    def note(self, leaf: Node) -> str:
        """The same, for a sentence that goes on."""
        return "".join(f", where `{setting.name}` is {setting.shown} by {setting.origin}" for setting in self.settings_of(leaf))

    def explained(self, said: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
        """The same diagnostics, each with the place of every setting that a value in it was made of; without those about
        spoilt values."""
        places = {use.node.span: use.settings for use in self.uses.values() if use.settings}
        for diagnostic in said:
            here = [label.place for label in diagnostic.labels if isinstance(label.place, Span)]
            if self.spoilt and here and here[0] in self.spoilt:
                continue
            settings = {setting.name: setting for place in here for setting in places.get(place, ())}
            yield _with_settings(diagnostic, settings.values()) if settings else diagnostic


def _with_settings(diagnostic: Diagnostic, settings: Iterable[Setting]) -> Diagnostic:
    labels, notes = list(diagnostic.labels), list(diagnostic.notes)
    for setting in settings:
        if setting.written is None:
            notes.append(f"`{setting.name}` is {setting.shown} by {setting.origin}")
        else:
            labels.append(at(setting.written.span, f"`{setting.name}` is {setting.shown} by this"))
    return replace(diagnostic, labels=tuple(labels), notes=tuple(notes))


def _no_text(node: Node, setting: Setting) -> Diagnostic:
    type_ = setting.parameter.type_node
    return error(M0226, f"`${{{setting.name}}}` stands within a text, but its value is not one", at(references.place(node, setting.name)),
                 at(type_.span, f"`{setting.name}` is declared as `{type_.value}`"),
                 help="within a text, a parameter is a `string`, a `choice` or an `instance`; any other stands alone")
