"""The options that the validators of PostgreSQL's own foreign-data wrappers take: where, from which version on, and what values.

A test compares all of it with the validators themselves. Validators of others nobody knows: there the server decides.
https://www.postgresql.org/docs/current/postgres-fdw.html, https://www.postgresql.org/docs/current/contrib-dblink-connect.html,
https://www.postgresql.org/docs/current/file-fdw.html
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal

from pgplan.sdk import Secret, SpecOf, join, part
from pgplan_postgres.options import Options
from pgplan_postgres.settings import number

Place = Literal["foreign_data_wrapper", "server", "user_mapping", "foreign_table", "column"]
Mistake = tuple[str, str]
"""A message and a hint."""

NEWEST = 18
"""The newest major version that the tables know: of what a newer one has learned they know nothing."""


def _options(names: str, **since: int) -> dict[str, int]:
    """Options with the first major version that has each; 0 for all that are supported."""
    return dict.fromkeys(names.split(), 0) | since


_LIBPQ = _options(
    """application_name channel_binding connect_timeout dbname gssencmode gsslib host hostaddr keepalives keepalives_count
    keepalives_idle keepalives_interval krbsrvname options passfile port requirepeer service ssl_max_protocol_version
    ssl_min_protocol_version sslcert sslcompression sslcrl sslcrldir sslkey sslmode sslrootcert sslsni target_session_attrs
    tcp_user_timeout""",
    gssdelegation=16,
    load_balance_hosts=16,
    require_auth=16,
    sslcertmode=16,
    sslnegotiation=17,
    max_protocol_version=18,
    min_protocol_version=18,
)
"""What a connection takes, by the version of libpq, which may well be newer than the server."""
_SAME = _options("async_capable batch_size fetch_size truncatable updatable use_remote_estimate", analyze_sampling=16)
OPTIONS: Mapping[str, Mapping[Place, Mapping[str, int]]] = {
    "postgres_fdw": {
        "server": {
            **_LIBPQ,
            **_SAME,
            **_options("extensions fdw_startup_cost fdw_tuple_cost keep_connections", parallel_commit=15, parallel_abort=16),
            **_options("", use_scram_passthrough=18),
        },
        "user_mapping": _options(
            "password password_required sslcert sslkey sslpassword user", gssdelegation=16, use_scram_passthrough=18
        ),
        "foreign_table": {**_SAME, **_options("schema_name table_name")},
        "column": _options("column_name"),
    },
    "dblink": {
        "server": {**_LIBPQ, **_options("fallback_application_name", use_scram_passthrough=18)},
        "user_mapping": _options("password sslpassword user", use_scram_passthrough=18),
    },
    "file_fdw": {
        "foreign_table": _options(
            "delimiter encoding escape filename format header null program quote",
            default=16,
            log_verbosity=18,
            on_error=18,
            reject_limit=18,
        ),
        "column": _options("force_not_null force_null"),
    },
}
"""By extension, then by place."""
_MADE = {"postgres_fdw": "postgres_fdw", "dblink": "dblink_fdw", "file_fdw": "file_fdw"}
"""The wrapper that each extension brings; its validator is called after it."""
_WORDS: Mapping[Place, str] = {
    "foreign_data_wrapper": "a [foreign_data_wrapper]",
    "server": "a [server]",
    "user_mapping": "a [[user_mapping]]",
    "foreign_table": "a [foreign_table]",
    "column": "a column of a [foreign_table]",
}
_BOOLEAN = ("false", "off", "on", "true")
_BOOLEANS = _options(
    """async_capable force_not_null force_null keep_connections parallel_abort parallel_commit password_required truncatable
    updatable use_remote_estimate use_scram_passthrough"""
)
_CHOICES = {"analyze_sampling": ("auto", "bernoulli", "off", "random", "system"), "format": ("binary", "csv", "text")}


def validated_by(wrapper: str, spec_of: SpecOf, is_made: Callable[[str, str], bool]) -> str | None:
    """The extension whose validator looks at the options of all that belongs to a wrapper; None for any other validator.

    The function tells it, not what the wrapper is called; of a wrapper that an extension of this plan brings, that extension.
    """
    spec: Any = spec_of("foreign_data_wrapper", part(wrapper))
    for extension, made in _MADE.items():
        if spec is None:
            if wrapper == made and is_made("extension", part(extension)):
                return extension
            continue
        brought: Any = spec_of("extension", part(extension))
        if brought is not None and spec.validator == join(brought.schema or "public", f"{made}_validator"):
            return extension
    return None


def refused(extension: str | None, place: Place, options: Options | None, version: int) -> Iterator[Mistake]:
    """What the validator of an extension says to the options of something, on a server of this server_version_num."""
    if extension is None or version // 10000 > NEWEST:
        return
    for option, value in (options or {}).items():
        message = _unknown(extension, place, option, version // 10000)
        if message is not None:
            yield message
        elif not isinstance(value, Secret):
            takes = _takes(option, value)
            if takes:
                yield f"the option {option} cannot be {value!r}", f"it takes {takes}"
    if extension == "file_fdw" and place == "foreign_table" and len({"filename", "program"} & (options or {}).keys()) != 1:
        yield "file_fdw needs one of the options filename and program, and not both", "say which file it is, or which program"


def knows(extension: str, place: Place, option: str, major: int) -> bool:
    """Whether there is such an option. libpq may be newer than the server, so that its options do not depend on that."""
    since = OPTIONS[extension].get(place, {}).get(option)
    own = option not in _LIBPQ or place != "server"
    return since is not None and (since <= major or not own)


def _unknown(extension: str, place: Place, option: str, major: int) -> Mistake | None:
    if knows(extension, place, option, major):
        return None
    places = OPTIONS[extension]
    there = sorted(each for each in places.get(place, {}) if knows(extension, place, each, major))
    elsewhere = [_WORDS[each] for each in places if each != place and knows(extension, each, option, major)]
    close = difflib.get_close_matches(option, there, n=1)
    if option in places.get(place, {}):
        hint = f"it came with PostgreSQL {places[place][option]}: leave it out"
    elif elsewhere:
        hint = f"it belongs to {' or '.join(elsewhere)}"
    elif close:
        hint = f"did you mean {close[0]}?"
    else:
        hint = f"there are {', '.join(there)}" if there else "there are none"
    return f"{extension} knows no option {option} of {_WORDS[place]}", hint


def _takes(option: str, value: str) -> str:
    """What values there are, if this is none of them."""
    if option in _BOOLEANS:
        return "" if value.lower() in _BOOLEAN else "true or false"
    if option in _CHOICES:
        return "" if value in _CHOICES[option] else f"one of {', '.join(_CHOICES[option])}"
    if option in ("batch_size", "fetch_size"):
        read = number(value, whole=True)
        return "" if read is not None and not read[1] and 0 < round(read[0]) < 2**31 else "a whole number greater than zero"
    if option in ("fdw_startup_cost", "fdw_tuple_cost"):
        read = number(value, whole=False)
        return "" if read is not None and not read[1] and read[0] >= 0 else "a number, not less than zero"
    if option == "port":
        # The server would take it, and could connect to nowhere. With several hosts there may be several.
        fits = all(not one.strip() or (one.strip().isdecimal() and 0 < int(one) < 2**16) for one in value.split(","))
        return "" if fits else "a number from 1 to 65535"
    return ""


def for_superusers(extension: str | None, options: Options | None) -> Iterable[str]:
    """Those of a user mapping's options that only a superuser may have there: all are looked at whenever one is altered."""
    if extension != "postgres_fdw":
        return ()
    given = options or {}
    refused = [option for option in ("sslcert", "sslkey") if option in given]
    required = given.get("password_required")
    off = isinstance(required, str) and required.lower() in ("false", "off")
    return [*refused, *(["password_required = false"] if off else [])]
