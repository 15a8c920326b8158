"""Points in time, over all that PostgreSQL can hold, which is more than Python's datetime: BC, and years of up to six digits.

https://www.postgresql.org/docs/current/datatype-datetime.html
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import LiteralString

NEVER = "infinity"
WORDS = (NEVER, "-infinity")
_CYCLE = 400
"""Years after which the Gregorian calendar begins anew, leap days included."""
_STAND_IN = 2000
"""Years are counted within the cycle that begins here, and put back afterwards."""
_FIRST, _END = (-4713, 11, 24), (294277, 1, 1)
"""PostgreSQL's first day, and the first one that it does not have; the year 0 is 1 BC, as astronomers count."""
_TEXT = re.compile(r"([0-9]{4,6})(-[0-9]{2}-[0-9]{2}.*?)( BC)?", re.DOTALL)

# A timestamptz as text for `from_catalog`. to_char() gives years BC as positive numbers.
QUERY: LiteralString = """CASE WHEN {moment} IS NULL OR {moment} IN ('infinity', '-infinity')
            THEN coalesce({moment}, 'infinity')::text
            ELSE to_char({moment} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
                 || CASE WHEN {moment} < '0001-01-01 00:00:00+00' THEN ' BC' ELSE '' END END"""


def from_catalog(text: str) -> str:
    """What `canonical` makes of the same point in time."""
    return text.replace(".000000Z", "Z")


def canonical(value: str | datetime | date) -> str:
    """``2030-01-01T00:00:00Z``, in UTC; ``0044-03-15T00:00:00Z BC``; or one of `WORDS`. PostgreSQL reads all of these.

    Raises ValueError with what is wrong with `value`.
    """
    if isinstance(value, str) and value in WORDS:
        return value
    moment, years = _parsed(value) if isinstance(value, str) else _shifted(value)
    if not isinstance(moment, datetime):
        raise ValueError("lacks its time")  # noqa: TRY004 - a date is of the right type, and says too little
    if moment.tzinfo is None:
        raise ValueError("lacks its time zone")
    moment = moment.astimezone(UTC)
    year = moment.year + years
    if not _FIRST <= (year, moment.month, moment.day) < _END:
        raise ValueError("is out of PostgreSQL's range, from 4714-11-24 BC to the end of the year 294276")
    return _written(moment, year)


def _parsed(text: str) -> tuple[datetime | date, int]:
    match = _TEXT.fullmatch(text)
    year, rest, bc = match.groups() if match else ("", text, "")
    if match and int(year) == 0:
        raise ValueError("is no point in time")
    within, years = _within(1 - int(year) if bc else int(year)) if match else (0, 0)
    try:
        return datetime.fromisoformat(f"{within:04}{rest}" if match else text), years
    except ValueError:
        raise ValueError("is no point in time") from None


def _shifted(value: datetime | date) -> tuple[datetime | date, int]:
    within, years = _within(value.year)
    return value.replace(year=within), years


def _within(year: int) -> tuple[int, int]:
    """A year with the same calendar that is far from the ends of what Python knows, and how many years it is away."""
    within = _STAND_IN + year % _CYCLE
    return within, year - within


def _written(moment: datetime, year: int) -> str:
    rest = moment.isoformat().replace("+00:00", "Z").partition("-")[2]
    return f"{year:04}-{rest}" if year > 0 else f"{1 - year:04}-{rest} BC"
