"""The saved plan, ``plan.bin``: a zip of ``manifest.json`` and ``plan.json``.

Neither is compressed and nothing else may be in the file, so that its bytes follow from the two: `read` builds them again and
compares. That finds every accident. An edit on purpose is found because apply makes the plan again (`pgplan.saved`).

https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import secrets
import struct
import zipfile
import zlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from attrs import evolve, frozen

from pgplan.errors import Exit, PgplanError, Problem, StaleError
from pgplan.files import refuse_foreign_link, replace
from pgplan.images import canonical, image, mistakes, restore
from pgplan.plan.again import unexplained
from pgplan.plan.model import FORMAT as PLAN_FORMAT
from pgplan.plan.model import Plan, Remarks
from pgplan.snapshot import Privilege
from pgplan.strict import MismatchError
from pgplan.version import __version__

T = TypeVar("T")
FORMAT = 2
FIRST = 2
"""The first format of a release."""
MAX_BYTES = 1 << 30
_MEMBERS = ("manifest.json", "plan.json")
_LOCAL_HEADER = struct.Struct("<4sHHHHHIIIHH")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_DURATION = re.compile(r"([1-9]\d{0,5})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SHOWN_MISTAKES = 5
_AGAIN = "make a new plan with: pgplan plan --out FILE"


@frozen
class Manifest:
    """What belongs to a saved plan, but not to what was planned."""

    pgplan: str
    """The version that made the plan."""
    created: str
    """ISO 8601, in UTC."""
    files: tuple[tuple[str, str], ...]
    """Names of the configuration's files and the SHA-256 of their bytes."""
    variables: tuple[tuple[str, str], ...]
    """Names of the variables that are no secret, and the SHA-256 of their values."""
    digest: str
    """Of plan.json."""
    remarks: Remarks
    format: int = FORMAT


Hashes = Iterable[tuple[str, str]]


def manifest(plan: Plan, remarks: Remarks, files: Hashes, now: datetime, variables: Hashes = ()) -> Manifest:
    """The manifest of a plan made `now`, an aware time."""
    return Manifest(__version__, _time(now), tuple(sorted(files)), tuple(sorted(variables)), digest(plan), remarks)


def expiry(now: datetime, valid_for: timedelta) -> str:
    """What `Decided.expires` of a plan made `now`, an aware time, has to be."""
    return _time(now + valid_for)


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(microsecond=0).isoformat()


def _is_time(text: str) -> bool:
    try:
        return _time(datetime.fromisoformat(text)) == text
    except (ValueError, OverflowError):
        return False


def digest(plan: Plan) -> str:
    """``sha256:…`` of plan.json: the same for the same configuration, options, state, database and role, in every process."""
    return _digest(canonical(image(plan)))


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def pack(about: bytes, body: bytes) -> bytes:
    """The bytes of a plan file: what they hold determines them."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in zip(_MEMBERS, (about, body), strict=True):
            info = zipfile.ZipInfo(name)  # of 1980
            info.create_system = 3  # Unix, wherever it is written
            info.external_attr = 0o600 << 16
            archive.writestr(info, data)
    return buffer.getvalue()


def write(path: Path, plan: Plan, about: Manifest) -> str:
    """Write a plan file that only its owner may read, the whole or nothing; return the plan's digest.

    Raises PgplanError when it cannot be written.
    """
    body = canonical(image(plan))
    about = evolve(about, digest=_digest(body))
    try:
        refuse_foreign_link(path)
        target = Path(os.path.realpath(path))  # a symbolic link stays one
        replace(target, pack(canonical(image(about)), body), target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp"))
    except OSError as error:
        raise PgplanError(Problem(f"the plan file {path} cannot be written: {error.strerror}")) from error
    return about.digest


def read(path: Path) -> tuple[Plan, Manifest]:
    """Read a plan file strictly.

    Raises PgplanError when it cannot be read, StaleError when it is damaged, no plan file, or one of another format.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise PgplanError(Problem(f"the plan file {path} cannot be read: {error.strerror}")) from error
    if len(data) > MAX_BYTES or not data.startswith(b"PK"):
        raise StaleError(Problem(f"{path} is not a plan file", hint=_AGAIN))
    try:
        return _unpack(data, path)
    except (_DamagedError, RecursionError) as error:
        raise StaleError(Problem(f"the plan file {path} is damaged: {error}", hint=_AGAIN)) from error


def check_expiry(plan: Plan, now: datetime) -> None:
    """Raises StaleError when the plan has expired."""
    expires = plan.decided.expires
    if expires is not None and now >= datetime.fromisoformat(expires):
        raise StaleError(Problem(f"the saved plan expired at {expires}", hint=_AGAIN))


def check_digest(found: str, expected: str) -> None:
    """Raises StaleError when the plan is not the expected one, a usage error when `expected` is no digest."""
    if not _DIGEST.fullmatch(expected):
        hint = "it is sha256: and 64 hexadecimal digits, as plan and show print it"
        raise PgplanError(Problem(f"{expected!r} is not the digest of a plan", hint=hint), exit_code=Exit.USAGE)
    if found != expected:
        hint = "apply the plan that was approved, or have this one approved"
        raise StaleError(Problem(f"the saved plan is not the expected one: its digest is {found}, not {expected}", hint=hint))


def duration(text: str) -> timedelta:
    """Read ``90m``, ``12h``, ``7d`` or ``2w``. Raises ValueError."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a duration: write a number and m, h, d or w, such as 12h")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


class _DamagedError(Exception):
    pass


def _unpack(data: bytes, path: Path) -> tuple[Plan, Manifest]:
    raw_about, position = _member(data, 0, _MEMBERS[0])
    document = _json(raw_about)
    _check_format(document, FORMAT, path)
    body, _ = _member(data, position, _MEMBERS[1])
    if pack(raw_about, body) != data:
        raise _DamagedError("it holds more than a plan, or its index does not fit")
    about = _restored(document, Manifest, raw_about)
    if _digest(body) != about.digest:
        raise _DamagedError("the plan in it does not have the digest that it should")
    planned = _json(body)
    _check_format(planned, PLAN_FORMAT, path)
    plan = _restored(planned, Plan, body)
    _check_content(plan)
    return plan, about


def _check_content(plan: Plan) -> None:
    """What types do not say."""
    expires = plan.decided.expires
    if expires is not None and not _is_time(expires):
        raise _DamagedError(f"it cannot expire at {expires!r}")
    if not plan.observed.databases:
        raise _DamagedError("it names no database")
    for said in unexplained(plan):
        raise _DamagedError(said)
    for observed in plan.observed.objects:
        try:
            restore(list(observed.acl or ()), tuple[Privilege, ...])
        except MismatchError as error:
            said = "; ".join(mistakes(error)[:_SHOWN_MISTAKES])
            raise _DamagedError(f"the access list of {observed.identity}: {said}") from error


def _member(data: bytes, position: int, name: str) -> tuple[bytes, int]:
    """The member that starts at `position`, and where the next one does."""
    start = position + _LOCAL_HEADER.size + len(name)
    header = data[position:start]
    if len(header) != _LOCAL_HEADER.size + len(name) or header[_LOCAL_HEADER.size :] != name.encode():
        raise _DamagedError(f"there is no {name} where it should be")
    *_, crc, size, _, _, _ = _LOCAL_HEADER.unpack_from(header)  # sizes as stored and as unpacked are the same here
    content = data[start : start + size]
    if zlib.crc32(content) != crc:
        raise _DamagedError(f"{name} does not fit its checksum")
    return content, start + size


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError as error:
        raise _DamagedError("it holds something that is not JSON") from error


def _check_format(document: Any, known: int, path: Path) -> None:
    try:
        version = document["format"]
    except (KeyError, TypeError):
        version = None
    if type(version) is not int or version < 1:
        raise _DamagedError("it has no format number")
    if version < FIRST:
        message = f"the plan file {path} was made by an unreleased version of pgplan, in format {version}"
        raise StaleError(Problem(message, hint=_AGAIN))
    if version > known:
        hint = f"apply it with the version that made it, or {_AGAIN}"
        raise StaleError(Problem(f"the plan file {path} has format {version}; pgplan {__version__} knows {known}", hint=hint))


def _restored(document: Any, cls: type[T], raw: bytes) -> T:
    """Strictly, and written in the one way that there is: what cannot be seen after decoding cannot stand in the file."""
    try:
        restored = restore(document, cls)
        again = canonical(image(restored))
    except Exception as error:  # besides MismatchError, whatever a class raises
        raise _DamagedError("; ".join(mistakes(error)[:_SHOWN_MISTAKES])) from error
    if again != raw:
        raise _DamagedError(f"its {cls.__name__.lower()} is not written as pgplan writes it")
    return restored
