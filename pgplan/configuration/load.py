"""A directory's TOML as a `Configuration`: every mistake that can be found without a connection, in one run."""

from __future__ import annotations

from pathlib import Path

from attrs import evolve

from pgplan.configuration.blocks import Blocks, blocks_of
from pgplan.configuration.directives import Directives, Variable
from pgplan.configuration.model import Configuration, Inputs, StateSettings
from pgplan.configuration.settings import Settings, literal_secret
from pgplan.configuration.sources import Locator, Place, Report, read_directory
from pgplan.configuration.variables import Variables
from pgplan.cycle import find_cycle
from pgplan.errors import ConfigurationError, PgplanError, Problem, raise_all
from pgplan.kind import Facts, Snapshot
from pgplan.registry import Registry, is_edge_kind

__all__ = ["Inputs", "add_lines", "load", "load_state"]


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
    policy = settings.policy(registry.kinds)
    if policy.plaintext_secrets == "error":
        for place in variables.literal_secrets():
            literal_secret(report, place, f"var.{place.path[1]}")
    connection = settings.connection(policy)
    state = settings.state()
    blocks = Blocks(registry, variables, policy, report)
    for file in files:
        for block in blocks_of(file, registry, report):
            blocks.take(block)
    _loops(blocks, registry, report)
    _contradictions(blocks, registry, report)
    raise_all(ConfigurationError, report.problems)
    return Configuration(
        directory=directory,
        name=name,
        files=tuple((file.name, file.digest) for file in files),
        connection=connection,
        state=state,
        policy=policy,
        declared=tuple(blocks.declared[address] for address in sorted(blocks.declared)),
        unresolved=dict(sorted(variables.unresolved.items())),
        origins=variables.origins(),
        locate=Locator({**blocks.places, **directives.by_name}),
    )


def load_state(directory: Path, inputs: Inputs) -> tuple[str, StateSettings]:
    """The configuration's name and where its state is, and nothing else: what is wrong elsewhere does not hide the state.

    Raises ConfigurationError with every mistake in that.
    """
    files = read_directory(directory)
    report = Report()
    directives = Directives(files, report)
    variables = Variables(directory, inputs, report, resolve_secrets=True)
    variables.read(directives.every(Variable))
    settings = Settings(directives, variables, report)
    found = settings.project(Place(files[0])), settings.state()
    raise_all(ConfigurationError, report.problems)
    return found


def _loops(blocks: Blocks, registry: Registry, report: Report) -> None:
    """Report the first loop of each kind that PostgreSQL allows none of."""
    for kind in registry.kinds.values():
        if is_edge_kind(kind) or (pair := registry.object_kind(kind.name).no_loops) is None:
            continue
        addresses = {
            (getattr(one.spec, pair[0]), getattr(one.spec, pair[1])): address
            for address, one in blocks.declared.items()
            if one.kind == kind.name
        }
        path = find_cycle(addresses)
        if path:
            address = addresses[path[-2], path[-1]]
            message = f"dependency cycle: {' → '.join(path)} ({pair[0]} → {pair[1]})"
            report.add(blocks.places[address][0], message, "break it by removing one of them", address)


_NOWHERE = Snapshot(Facts(10**6, "", 0, "", 0, "", "", superuser=False), {})
"""Stands in for a database that was not read yet, of whatever version knows the most privileges."""


def _contradictions(blocks: Blocks, registry: Registry, report: Report) -> None:
    """Report what blocks that name the same object both grant and revoke; what patterns match only the database tells."""
    kinds = [kind for kind in registry.kinds.values() if is_edge_kind(kind)]
    granting = [kind for kind in kinds if not kind.forbids]
    for address, one in blocks.declared.items():
        kind = registry.kinds[one.kind]
        if not is_edge_kind(kind) or not kind.forbids:
            continue
        forbidden = {wanted.edge for wanted in kind.edges(one.spec, _NOWHERE)}
        for other in granting:
            granted = blocks.declared.get(f"{other.name}.{one.key}")
            edges = other.edges(granted.spec, _NOWHERE) if granted else ()
            both = sorted(wanted.edge.privilege for wanted in edges if wanted.edge in forbidden)
            if granted and both:
                message = f"both granted and revoked: {', '.join(dict.fromkeys(both))}"
                for here, there in ((granted.address, address), (address, granted.address)):
                    report.add(blocks.places[here][0], message, f"remove it here or from {there}", here)


def add_lines(error: PgplanError, configuration: Configuration) -> None:
    """Give its line to every problem of `error` that names an address and only the file it stands in."""
    error.problems = tuple(_with_line(problem, configuration) for problem in error.problems)
    error.args = ("\n".join(map(str, error.problems)),)


def _with_line(problem: Problem, configuration: Configuration) -> Problem:
    source = problem.source
    if source is None or source.line:
        return problem
    places = configuration.locate(problem.address, "")
    return evolve(problem, source=next((place for place in places if place.file == source.file), source))
