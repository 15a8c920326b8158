"""The conformance suite of kinds: what shows that a provider keeps the contract of `pgplan.sdk`, with pytest or without.

`check_contract` needs no server. A `Bench` drives kinds on a real one, the way the engine does. Their use is shown in
docs/how-to/write-a-provider.md. The tool itself never imports this.
"""

from __future__ import annotations

from pgplan.registry import installed
from pgplan.testing.bench import Bench, bench, declare
from pgplan.testing.contract import check_contract, check_query
from pgplan.testing.names import LONG, NAMES

__all__ = ["LONG", "NAMES", "Bench", "bench", "check_contract", "check_query", "declare", "installed"]
