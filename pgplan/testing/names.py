"""Names that are easily written wrong: in SQL, in TOML, in addresses, or on the way between them."""

from __future__ import annotations

LONG = "l" + "ö" * 31
"""63 bytes: as long as a name can be."""
NAMES = ('a "b', "O'Hara", "Ünï", LONG, "back\\slash", "dot.ted/per%cent:'x'")
