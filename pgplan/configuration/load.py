"""A directory's TOML as a `Configuration`: every mistake that can be found without a connection, in one run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from attrs import evolve

from pgplan.address import Identity
from pgplan.configuration.blocks import Blocks, blocks_of
from pgplan.configuration.directives import Directives, Variable
from pgplan.configuration.model import Configuration, Connection, Declared, Inputs, Policy, StateSettings
from pgplan.configuration.settings import Settings, literal_secret
from pgplan.configuration.sources import Locator, Place, Report, read_directory
from pgplan.configuration.variables import Variables
from pgplan.errors import ConfigurationError, PgplanError, Problem, Source, another_owner, raise_all
from pgplan.kind import Claim, Facts, Item, Snapshot
from pgplan.registry import Registry, is_edge_kind
from pgplan.secret import Secret

__all__ = ["Inputs", "add_lines", "load", "load_connection", "load_state"]


def load(directory: Path, registry: Registry, inputs: Inputs, *, resolve_secrets: bool) -> Configuration:
    """Read pgplan.toml and every ``*.pgplan.toml`` in `directory`.

    With `resolve_secrets` false (offline commands) no command is run, no secret is read, and every sensitive value is a withheld
    Secret. With true, a sensitive variable that cannot be resolved is one too: the plan defers it.

    Raises ConfigurationError with every mistake.
    """
    files = read_directory(directory)
    report = Report()
    directives = Directives(files, report)
    variables = Variables(directory, inputs, report, resolve_secrets=resolve_secrets)
    variables.read(directives.every(Variable))
    variables.check()
    settings = Settings(directives, variables, report)
    name = settings.project(Place(files[0]))
    scope = settings.scope(registry)
    policy = settings.policy(registry, scope)
    if policy.plaintext_secrets == "error":
        for place in variables.literal_secrets():
            literal_secret(report, place, f"var.{place.path[1]}", "default")
    connection = settings.connection(policy)
    state = settings.state()
    blocks = Blocks(registry, variables, policy, report)
    for file in files:
        for block in blocks_of(file, registry, report):
            blocks.take(block)
    _together(blocks, registry, report)
    _contradictions(blocks, registry, report)
    _owners(blocks, registry, report)
    moves = settings.moves(blocks.declared, registry.kinds)
    raise_all(ConfigurationError, report.problems)
    return Configuration(
        directory=directory,
        name=name,
        files=(*((file.name, file.digest) for file in files), *sorted(blocks.files.items())),
        connection=connection,
        state=state,
        policy=policy,
        declared=tuple(blocks.declared[address] for address in sorted(blocks.declared)),
        moves=moves,
        unresolved=dict(sorted(variables.unresolved.items())),
        origins=variables.origins(),
        variables=variables.hashes(_secret_templates(blocks, connection, registry)),
        scope=scope,
        locate=Locator({**blocks.places, **directives.by_name}),
    )


def _settings(directory: Path, inputs: Inputs) -> tuple[Settings, Place]:
    """What reads the directives alone, with secrets, and the place of the main file."""
    files = read_directory(directory)
    report = Report()
    directives = Directives(files, report)
    variables = Variables(directory, inputs, report, resolve_secrets=True)
    variables.read(directives.every(Variable))
    return Settings(directives, variables, report), Place(files[0])


def load_connection(directory: Path, inputs: Inputs) -> Configuration:
    """A configuration that says where to connect, and nothing else: what is wrong elsewhere does not lock anybody out.

    Raises ConfigurationError with every mistake in that.
    """
    settings, main = _settings(directory, inputs)
    name, connection = settings.project(main), settings.connection(Policy(plaintext_secrets="allow"))
    raise_all(ConfigurationError, settings.report.problems)
    return Configuration(
        directory=directory,
        name=name,
        files=(),
        connection=connection,
        state=StateSettings(),
        policy=Policy(),
        declared=(),
        unresolved=dict(sorted(settings.variables.unresolved.items())),
        locate=Locator(settings.directives.by_name),
    )


def _secret_templates(blocks: Blocks, connection: Connection, registry: Registry) -> Iterator[str]:
    """The texts with references that secrets are made of."""
    found = [one for one in (connection.url, connection.password) if isinstance(one, Secret)]
    for one in blocks.declared.values():
        kind = registry.kinds[one.kind]
        if not is_edge_kind(kind):
            found += registry.object_kind(one.kind).secrets(one.spec).values()
    yield from (secret.source for secret in found if secret.source)


def load_state(directory: Path, inputs: Inputs) -> tuple[str, StateSettings]:
    """The configuration's name and where its state is, and nothing else: what is wrong elsewhere does not hide the state.

    Raises ConfigurationError with every mistake in that.
    """
    settings, main = _settings(directory, inputs)
    found = settings.project(main), settings.state()
    raise_all(ConfigurationError, settings.report.problems)
    return found


def _together(blocks: Blocks, registry: Registry, report: Report) -> None:
    """Report what is wrong with all specs of a kind taken together."""
    by_kind: dict[tuple[str, str], dict[str, Declared]] = {}
    for one in blocks.declared.values():
        by_kind.setdefault((one.kind, one.database), {})[one.key] = one
    _twice(blocks, registry, report)
    for (name, _), declared in sorted(by_kind.items()):
        if is_edge_kind(registry.kinds[name]):
            continue
        for key, message, hint in registry.object_kind(name).together({key: one.spec for key, one in declared.items()}):
            address = declared[key].address
            report.add(blocks.places[address][0], message, hint, address)


def _twice(blocks: Blocks, registry: Registry, report: Report) -> None:
    """Report what is declared under two addresses: one kind may make what another makes too."""
    made: dict[tuple[str, str, str], str] = {}
    for one in blocks.declared.values():
        if is_edge_kind(registry.kinds[one.kind]):
            continue
        first = made.setdefault((*registry.object_kind(one.kind).object(one.key), one.database), one.address)
        if first != one.address:
            report.add(blocks.places[one.address][0], f"it is declared as {first} too", "keep one of the two", one.address)


_NOWHERE = Snapshot(Facts(10**6, "", 0, "", 0, "", "", superuser=False))
"""Stands in for a database that was not read yet, of whatever version knows the most privileges."""


def _contradictions(blocks: Blocks, registry: Registry, report: Report) -> None:
    """Report what blocks that name the same object both want and forbid; what patterns match only the database tells."""
    by_key: dict[tuple[str, str], list[Declared]] = {}
    for one in blocks.declared.values():
        if is_edge_kind(registry.kinds[one.kind]):
            by_key.setdefault((one.key, one.database), []).append(one)
    for declared in by_key.values():
        # What a block says of itself its kind has checked.
        claims = [claim for one in declared for claim in _named(one, registry)] if len(declared) > 1 else []
        if len({claim.forbids for _, claim in claims}) < 2:  # noqa: PLR2004 - both signs
            continue
        wanted, forbidden = (_addresses([one for one in claims if one[1].forbids is forbids]) for forbids in (False, True))
        pairs: dict[tuple[str, str], list[str]] = {}
        for edge in sorted(wanted.keys() & forbidden.keys()):
            pairs.setdefault((wanted[edge], forbidden[edge]), []).append(edge[2].privilege)
        for pair, privileges in pairs.items():
            message = f"both granted and revoked: {', '.join(dict.fromkeys(privileges))}"
            for here, there in dict.fromkeys((pair, (pair[1], pair[0]))):
                hint = "remove it from one of the two" if here == there else f"remove it here or from {there}"
                report.add(blocks.places[here][0], message, hint, here)


def _owners(blocks: Blocks, registry: Registry, report: Report) -> None:
    """Report objects that two blocks name and give to different roles."""
    givers = [
        one for one in blocks.declared.values() if (kind := registry.kinds[one.kind]) and is_edge_kind(kind) and kind.of_owners
    ]
    if not givers:
        return
    said: dict[Identity, tuple[str, str]] = {}
    for one in blocks.declared.values():
        if not is_edge_kind(registry.kinds[one.kind]):
            owner = registry.object_kind(one.kind).owner(one.spec)
            if owner is not None:
                said[registry.meant(one.kind, one.key, one.database)] = one.address, owner
    nowhere = _NOWHERE.catalog("")
    for giver, (address, claim) in ((one, named) for one in givers for named in _named(one, registry)):
        for type_, key in claim.selector.objects(nowhere):
            meant = registry.identity(type_, key, giver.database)
            other, owner = said.get(meant, (address, claim.owner))
            if owner != claim.owner:
                for here, there, its in ((address, other, owner), (other, address, claim.owner)):
                    report.add(blocks.places[here][0], *another_owner(type_, key, there, its), here)


def _named(one: Declared, registry: Registry) -> Iterator[tuple[str, Claim]]:
    """What a declaration claims of the object that it names."""
    for claim in registry.edge_kind(one.kind).claims(one.spec, _NOWHERE.facts):
        if claim.selector.named:
            yield one.address, claim


def _addresses(claims: Iterable[tuple[str, Claim]]) -> dict[tuple[str, str, Item], str]:
    """Which address claims each (type, key, item)."""
    nowhere = _NOWHERE.catalog("")
    return {
        (type_, key, item): address
        for address, claim in claims
        for type_, key in claim.selector.objects(nowhere)
        for item in claim.items
    }


def add_lines(error: PgplanError, configuration: Configuration) -> None:
    """Give its line to every problem of `error` that names an address and only the file it stands in, and put them in the order
    of the files."""
    found = (_with_line(problem, configuration) for problem in error.problems)
    error.problems = tuple(sorted(found, key=lambda problem: problem.source or Source("")))
    error.args = ("\n".join(map(str, error.problems)),)


def _with_line(problem: Problem, configuration: Configuration) -> Problem:
    source = problem.source
    if source is None or source.line:
        return problem
    places = configuration.locate(problem.address, "")
    return evolve(problem, source=next((place for place in places if place.file == source.file), source))
