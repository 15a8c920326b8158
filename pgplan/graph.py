"""What needs what, as a drawing: from the configuration alone. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from attrs import frozen

from pgplan.address import Address
from pgplan.configuration.model import Configuration
from pgplan.registry import Registry, is_edge_kind
from pgplan.render.escape import visible

Form = Literal["dot", "mermaid"]


@frozen(order=True)
class Arrow:
    """`source` needs `target`."""

    source: str
    target: str


@frozen
class Graph:
    declared: tuple[str, ...]
    """Addresses, sorted."""
    outside: tuple[str, ...]
    """What is needed but not declared: it must exist."""
    arrows: tuple[Arrow, ...]


def graph(configuration: Configuration, registry: Registry) -> Graph:
    """The references of everything declared."""
    declared = {one.address for one in configuration.declared}
    objects = (one for one in configuration.declared if not is_edge_kind(registry.kinds[one.kind]))
    addresses = {registry.meant(one.kind, one.key, one.database): one.address for one in objects}
    needed = (
        (one.address, registry.target(reference, one.database))
        for one in configuration.declared
        for reference in registry.kinds[one.kind].references(one.spec)
    )
    arrows = {Arrow(source, addresses.get(target, str(Address(*target)))) for source, target in needed}
    arrows = {arrow for arrow in arrows if arrow.source != arrow.target}
    outside = {arrow.target for arrow in arrows} - declared
    return Graph(tuple(sorted(declared)), tuple(sorted(outside)), tuple(sorted(arrows)))


def draw(drawn: Graph, form: Form) -> str:
    """The graph for Graphviz or Mermaid."""
    return "\n".join(_dot(drawn) if form == "dot" else _mermaid(drawn)) + "\n"


def _dot(drawn: Graph) -> Iterable[str]:
    def name(text: str) -> str:
        return '"' + visible(text).replace("\\", "\\\\").replace('"', '\\"') + '"'

    yield "digraph pgplan {"
    yield "  rankdir = LR"
    yield "  node [shape = box]"
    yield from (f"  {name(address)}" for address in drawn.declared)
    yield from (f"  {name(address)} [style = dashed]" for address in drawn.outside)
    yield from (f"  {name(arrow.source)} -> {name(arrow.target)}" for arrow in drawn.arrows)
    yield "}"


def _mermaid(drawn: Graph) -> Iterable[str]:
    numbers = {address: f"n{number}" for number, address in enumerate([*drawn.declared, *drawn.outside])}

    def label(text: str) -> str:
        # Mermaid takes HTML's character codes, and nothing else, for what would end or mark up a label.
        return "".join(c if c.isalnum() or c in " ._/:-" else f"#{ord(c)};" for c in visible(text))

    yield "graph LR"
    yield from (f'  {numbers[address]}["{label(address)}"]' for address in drawn.declared)
    yield from (f'  {numbers[address]}("{label(address)}"):::outside' for address in drawn.outside)
    yield from (f"  {numbers[arrow.source]} --> {numbers[arrow.target]}" for arrow in drawn.arrows)
    if drawn.outside:
        yield "  classDef outside stroke-dasharray: 4 4"
