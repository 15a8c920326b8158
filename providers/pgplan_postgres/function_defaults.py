"""What the defaults of a function's arguments name: that must be there, and be made first. Bodies nobody looks into. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from pgplan.sdk import Outcome, Reasons, join, part
from pgplan_postgres.expressions import named_in
from pgplan_postgres.function_arguments import Argument
from pgplan_postgres.signatures import split_signature
from pgplan_postgres.targets import is_system

Arguments = Mapping[str, Iterable[Argument]]
"""Of functions, by key."""


def called_first(arguments: Arguments, new: Collection[str]) -> Iterator[tuple[str, str]]:
    """(first, then) of functions, by key, where the one is `new` and a default of the other calls it, or one of its name."""
    called: dict[str, list[str]] = {}
    for key in new:
        called.setdefault(split_signature(key)[0], []).append(key)
    for key, _, schema, last, _ in _named(arguments):
        yield from ((first, key) for first in called.get(join(schema, last), ()) if first != key)


def unknown_names(arguments: Arguments, outcome: Outcome) -> Reasons:
    """What these functions cannot be made with. What an extension brings nobody knows."""
    named = list(_named(arguments))
    # What is called is a routine, or a type that something becomes.
    types = ("function", "type", "table", "foreign_table") if named else ()
    known = {split_signature(key)[0] for type_ in types for key, _ in outcome.specs(type_)}
    certain = not any(outcome.is_made("extension", key) for key, _ in outcome.specs("extension")) if named else False
    for key, argument, schema, last, is_called in named:
        what = ""
        if not outcome.is_there("schema", part(schema)):
            what = f"the schema {schema}"
        elif is_called and certain and join(schema, last) not in known:
            what = join(schema, last)
        if what:
            hint = "correct the name; what this plan renames is written by its new name"
            yield key, f"the default of argument {argument} names {what}, which is neither declared nor in the database", hint


def _named(arguments: Arguments) -> Iterator[tuple[str, str, str, str, bool]]:
    """Key, argument, and what its default names in a schema of users: schema, name, and whether that is called."""
    for key, all_of_it in arguments.items():
        for number, one in enumerate(all_of_it, 1):
            names = (named for named in named_in(one.default) if not is_system(named[0]))
            yield from ((key, one.name or str(number), *named) for named in names)
