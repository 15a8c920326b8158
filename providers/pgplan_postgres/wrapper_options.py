"""The options that the validators of PostgreSQL's own foreign-data wrappers take: where, from which version on, and what values.

A test compares all of it with the validators themselves. Validators of others nobody knows: there the server decides.
https://www.postgresql.org/docs/current/postgres-fdw.html, https://www.postgresql.org/docs/current/contrib-dblink-connect.html,
https://www.postgresql.org/docs/current/file-fdw.html
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal

from pgplan.sdk import Catalog, Secret, SpecOf, join, part, sql
from pgplan_postgres.options import Options
from pgplan_postgres.settings import number

Place = Literal["foreign_data_wrapper", "server", "user_mapping", "foreign_table", "column"]
Mistake = tuple[str, str]
"""A message and a hint."""

NEWEST = 18
"""The newest major version that the tables know: of what a newer one has learned they know nothing, nor of a newer libpq."""


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


_CATALOGS: Mapping[Place, int] = {
    "foreign_data_wrapper": 2328,
    "server": 1417,
    "user_mapping": 1418,
    "foreign_table": 3118,
    "column": 1249,
}
"""OIDs of the catalogs, by which validators are told what the options are of."""
_INVALID = ("HV", "22", "42601", "42P17", "0A000")
"""How SQLSTATEs of options begin. Rights, and what only a connection shows, are told otherwise."""


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


def found_spec(catalog: Catalog) -> SpecOf:
    def spec_of(type_: str, key: str) -> Any:
        found = catalog.get(type_, key)
        return None if found is None else found.spec

    return spec_of


def refused(extension: str | None, place: Place, options: Options | None, catalog: Catalog) -> Iterator[Mistake]:
    """What the validator of an extension says to the options of something: where it was asked that counts, else what is known."""
    if extension is None:
        return
    given, major = options or {}, catalog.facts.version // 10000
    query = _trial(extension, place, given, catalog)
    said = catalog.refusal(query) if query is not None else None
    taken = query is not None and said is None and catalog.was_tried(query)
    told = list(_known_mistakes(extension, place, given, major)) if major <= NEWEST and not taken else []
    if not told and said is not None and said.state.startswith(_INVALID):
        told = [(f"{extension} refuses its options: {said.message}", "correct them: they were tried on the server")]
    yield from (*told, *_ports(given))


def _known_mistakes(extension: str, place: Place, options: Options, major: int) -> Iterator[Mistake]:
    for option, value in options.items():
        message = _unknown(extension, place, option, major)
        if message is not None:
            yield message
        elif not isinstance(value, Secret):
            takes = _takes(option, value)
            if takes:
                yield f"the option {option} cannot be {value!r}", f"it takes {takes}"
    if extension == "file_fdw" and place == "foreign_table" and len({"filename", "program"} & options.keys()) != 1:
        yield "file_fdw needs one of the options filename and program, and not both", "say which file it is, or which program"


def trials(extension: str | None, place: Place, options: Options | None, catalog: Catalog) -> Iterator[str]:
    """What to ask the validator itself, where it is there."""
    query = _trial(extension, place, options, catalog) if extension is not None and options else None
    if query is not None:
        yield query


def _trial(extension: str, place: Place, options: Options, catalog: Catalog) -> str | None:
    """https://www.postgresql.org/docs/current/sql-createforeigndatawrapper.html. Secrets are not tried: queries are logged."""
    found = catalog.get("extension", part(extension))
    if found is None or any(isinstance(value, Secret) for value in options.values()):
        return None
    given = sql.SQL(", ").join(sql.Literal(f"{option}={value}") for option, value in options.items())
    validator = sql.Identifier(found.spec.schema, f"{_MADE[extension]}_validator")
    return sql.SQL("SELECT {}(ARRAY[{}]::text[], {}::oid)").format(validator, given, sql.Literal(_CATALOGS[place])).text


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
    elif place == "server" and extension != "file_fdw" and re.fullmatch("[a-z_]+", option):
        return None  # a newer libpq may know it
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
    return ""


def _ports(options: Options) -> Iterator[Mistake]:
    """The server would take any, and could connect to nowhere. With several hosts there may be several."""
    value = options.get("port")
    if isinstance(value, str) and any(one.strip() and not _is_port(one.strip()) for one in value.split(",")):
        yield f"the option port cannot be {value!r}", "it takes a number from 1 to 65535"


def _is_port(text: str) -> bool:
    return text.isdecimal() and 0 < int(text) < 2**16


def for_superusers(extension: str | None, options: Options | None) -> Iterable[str]:
    """Those of a user mapping's options that only a superuser may have there: all are looked at whenever one is altered."""
    if extension != "postgres_fdw":
        return ()
    given = options or {}
    refused = [option for option in ("sslcert", "sslkey") if option in given]
    required = given.get("password_required")
    off = isinstance(required, str) and required.lower() in ("false", "off")
    return [*refused, *(["password_required = false"] if off else [])]
