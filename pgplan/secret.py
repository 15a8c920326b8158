"""A value that never shows itself."""

from __future__ import annotations

from typing import NoReturn

MASK = "(sensitive)"


class Secret:
    """A secret string, or the knowledge that there is one.

    `source` is the text in the configuration that it comes from (``"${var.password}"``), None for a literal.
    A secret without a value is *withheld*: the catalogs hide it, the state keeps only its digest, or its variable cannot be
    resolved here. All secrets are equal to each other, so that ``==`` on specs compares only what may be shown; whether the
    *value* changed is decided by `pgplan.state.digests`.

    `suspected` marks a value that nothing declares to be sensitive, but that was put together from references and stands where
    both secrets and plain text may: the kind knows which of the two it is.
    """

    __slots__ = ("_value", "source", "suspected")

    def __init__(self, value: str | None = None, source: str | None = None, *, suspected: bool = False) -> None:
        self._value = value
        self.source = source
        self.suspected = suspected

    @property
    def withheld(self) -> bool:
        return self._value is None

    @property
    def literal(self) -> bool:
        """Whether the value itself stands in the configuration."""
        return self._value is not None and self.source is None

    def reveal(self) -> str:
        """The value. Call it only where the value leaves for the server or for a digest.

        Raises ValueError when the value is withheld.
        """
        if self._value is None:
            raise ValueError("this secret has no value here")
        return self._value

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret)

    def __hash__(self) -> int:
        return hash(MASK)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is never serialised")
