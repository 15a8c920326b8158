"""Which halves run together: in one transaction of one database, or outside of any. Pure.

Databases have their turn in stages. Whatever the cluster shares, and what is in the default database, comes first; then each
other database; then what had to wait for those, as the DROP of a role that owned something there; then databases are dropped,
which no transaction can; and last what waited for that. docs/explanation/apply.md#phases draws it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal

from attrs import frozen

from pgplan.errors import ConfigurationError, Problem

Half = Literal["make", "drop", "first", "owners", "edges", "barrier"]
Node = tuple[str, Half]
"""An address and what is done to it; for a turn that owners or privileges have, the database."""
Arc = tuple[Node, Node]
"""(first, then)."""

ANCHOR, OTHERS, ANCHOR_AGAIN, APART, LAST = range(5)


@frozen
class Leg:
    """Halves that run in one database, in their order: in one transaction or, one by one, outside of any."""

    database: str
    nodes: tuple[Node, ...]
    transaction: bool = True


@frozen
class Places:
    """Where halves run."""

    default: str
    databases: Mapping[Node, str]
    """Of each half, "" for what the cluster shares."""
    apart: Collection[Node] = ()
    """What runs outside of any transaction, after all that need not wait for it."""
    put_off: Collection[Node] = ()
    """What waits for other databases, if there are any, although it need not: they may need it until then."""

    def of(self, node: Node) -> str:
        return self.databases.get(node, "") or self.default

    def is_anchored(self, node: Node) -> bool:
        return self.of(node) == self.default and node not in self.apart


def legs(nodes: Sequence[Node], arcs: Iterable[Arc], places: Places, ranks: Mapping[str, int]) -> list[Leg]:
    """`nodes`, in an order that heeds all `arcs`, by where they run. `ranks` says in which order databases have their turn.

    Raises ConfigurationError where what is in another database waits for what must wait for that database.
    """
    before: dict[Node, list[Node]] = {node: [] for node in nodes}
    after: dict[Node, list[Node]] = {node: [] for node in nodes}
    for first, then in arcs:
        before[then].append(first)
        after[first].append(then)
    stages: dict[Node, int] = {}
    for node in nodes:
        stages[node] = _stage(node, [(stages[each], each) for each in before[node]], places)
    if OTHERS in stages.values():
        for node in reversed(nodes):
            if node in places.put_off and stages[node] == ANCHOR and all(stages[each] > OTHERS for each in after[node]):
                stages[node] = ANCHOR_AGAIN
    groups: dict[tuple[int, int, str], list[Node]] = {}
    for node in nodes:
        database = places.of(node)
        groups.setdefault((stages[node], ranks.get(database, 0) if stages[node] == OTHERS else 0, database), []).append(node)
    return [Leg(database, tuple(of_one), stage != APART) for (stage, _, database), of_one in sorted(groups.items())]


def _stage(node: Node, before: Sequence[tuple[int, Node]], places: Places) -> int:
    anchored = places.is_anchored(node)
    own = ANCHOR if anchored else APART if node in places.apart else OTHERS
    needed, waits_for = max(before, default=(own, node))
    if needed <= own:
        return own
    if anchored:
        return needed if needed in (ANCHOR_AGAIN, LAST) else needed + 1
    message = f"it waits for {waits_for[0]}, which has to wait for all that is done in the database {places.of(node)}"
    hint = "apply this in two plans: leave one of the two as it is in the first"
    raise ConfigurationError(Problem(message, address=node[0], hint=hint))
