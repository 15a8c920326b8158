"""Colours for a terminal, in the words of rich: ``"bold red"``, ``"dim"``.

https://rich.readthedocs.io/en/stable/style.html
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

_SYMBOLS: Mapping[str, str] = {"+": "green", "~": "yellow", "-": "red", "-/+": "red", "=": "cyan", ".": "cyan"}


@frozen
class Paint:
    """Puts a style around text, or does nothing."""

    on: bool = False

    def __call__(self, text: str, style: str) -> str:
        if not self.on or not text or not style:
            return text
        from rich.color import ColorSystem  # noqa: PLC0415 - of use on a terminal only
        from rich.style import Style  # noqa: PLC0415

        return Style.parse(style).render(text, color_system=ColorSystem.STANDARD)

    def style(self, symbol: str) -> str:
        """The style of an action's symbol, "" for none."""
        return _SYMBOLS.get(symbol, "")

    def symbol(self, symbol: str, width: int) -> str:
        """The symbol of an action in its colour, flush right."""
        return " " * (width - len(symbol)) + self(symbol, self.style(symbol))
