"""Settings of roles and databases (``ALTER ROLE … SET``), written so that what the server takes as equal is equal.

The canonical text of a setting is what SHOW would print, as far as its type is known here: ``30000`` and ``30s`` are the same
``statement_timeout``. Names are compared as the server does, without regard to case. Of list settings the elements count.
https://www.postgresql.org/docs/current/config-setting.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from string import ascii_letters

from pgplan.sdk import Statement, sql
from pgplan_postgres.sql import name, statement, text

# What pg_settings of 14 to 18 says of settings that can be set for a role, by type or unit; a test compares it with the server.
# "list" is GUC_LIST_QUOTE: each element is a name of its own (variable_is_guc_list_quote in src/fe_utils/string_utils.c).
_TABLE = """
list: local_preload_libraries search_path session_preload_libraries shared_preload_libraries temp_tablespaces
    unix_socket_directories
ms: client_connection_check_interval deadlock_timeout idle_in_transaction_session_timeout idle_session_timeout lock_timeout
    log_min_duration_sample log_min_duration_statement statement_timeout tcp_user_timeout transaction_timeout vacuum_cost_delay
    wal_sender_timeout
s: post_auth_delay tcp_keepalives_idle tcp_keepalives_interval
B: log_parameter_max_length log_parameter_max_length_on_error
kB: gin_pending_list_limit log_temp_files logical_decoding_work_mem maintenance_work_mem max_stack_depth temp_file_limit
    vacuum_buffer_usage_limit wal_skip_threshold work_mem
8kB: backend_flush_after effective_cache_size io_combine_limit min_parallel_index_scan_size min_parallel_table_scan_size
    temp_buffers
bool: allow_in_place_tablespaces allow_system_table_mods array_nulls check_function_bodies debug_pretty_print debug_print_parse
    debug_print_plan debug_print_rewritten default_transaction_deferrable default_transaction_read_only enable_async_append
    enable_bitmapscan enable_distinct_reordering enable_gathermerge enable_group_by_reordering enable_hashagg enable_hashjoin
    enable_incremental_sort enable_indexonlyscan enable_indexscan enable_material enable_memoize enable_mergejoin
    enable_nestloop enable_parallel_append enable_parallel_hash enable_partition_pruning enable_partitionwise_aggregate
    enable_partitionwise_join enable_presorted_aggregate enable_self_join_elimination enable_seqscan enable_sort enable_tidscan
    escape_string_warning event_triggers exit_on_error geqo ignore_checksum_failure ignore_system_indexes jit
    jit_debugging_support jit_dump_bitcode jit_expressions jit_profiling_support jit_tuple_deforming lo_compat_privileges
    log_disconnections log_duration log_executor_stats log_lock_failures log_lock_waits log_parser_stats log_planner_stats
    log_replication_commands log_statement_stats md5_password_warnings parallel_leader_participation quote_all_identifiers
    row_security standard_conforming_strings synchronize_seqscans trace_notify trace_sort track_activities
    track_cost_delay_timing track_counts track_io_timing track_wal_io_timing transaction_deferrable transaction_read_only
    transform_null_equals update_process_title vacuum_truncate wal_init_zero wal_recycle zero_damaged_pages
integer: commit_delay commit_siblings debug_discard_caches default_statistics_target effective_io_concurrency extra_float_digits
    from_collapse_limit geqo_effort geqo_generations geqo_pool_size geqo_threshold gin_fuzzy_search_limit join_collapse_limit
    maintenance_io_concurrency max_parallel_maintenance_workers max_parallel_workers max_parallel_workers_per_gather
    scram_iterations tcp_keepalives_count vacuum_cost_limit vacuum_cost_page_dirty vacuum_cost_page_hit vacuum_cost_page_miss
    vacuum_failsafe_age vacuum_freeze_min_age vacuum_freeze_table_age vacuum_multixact_failsafe_age
    vacuum_multixact_freeze_min_age vacuum_multixact_freeze_table_age
real: cpu_index_tuple_cost cpu_operator_cost cpu_tuple_cost cursor_tuple_fraction geqo_seed geqo_selection_bias
    hash_mem_multiplier jit_above_cost jit_inline_above_cost jit_optimize_above_cost log_statement_sample_rate
    log_transaction_sample_rate parallel_setup_cost parallel_tuple_cost random_page_cost recursive_worktable_factor
    seq_page_cost vacuum_max_eager_freeze_failure_rate
enum: backslash_quote bytea_output client_min_messages compute_query_id constraint_exclusion
    debug_logical_replication_streaming debug_parallel_query default_toast_compression default_transaction_isolation
    file_copy_method force_parallel_mode icu_validation_level intervalstyle log_error_verbosity log_min_error_statement
    log_min_messages log_statement password_encryption plan_cache_mode session_replication_role stats_fetch_consistency
    synchronous_commit track_functions transaction_isolation wal_compression xmlbinary xmloption
"""
# Smallest first: in microseconds, and in bytes.
_TIME = {"us": 1, "ms": 1000, "s": 1_000_000, "min": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
_SIZE = {"B": 1, "kB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}
_NUMBER = re.compile(r"\s*([+-]?(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?))\s*([A-Za-z]*)\s*")
_OCTAL = re.compile(r"([+-]?)0([0-7]+)")
# Other spellings that the server takes for values of enums; pg_settings does not list them.
_SAME = {"true": "on", "yes": "on", "1": "on", "false": "off", "no": "off", "0": "off", "debug": "debug2"}
_ELEMENT = re.compile(r'\s*(?:"((?:[^"]|"")*)"|([^",]*?))\s*(?:,|$)')

Settings = Mapping[str, str]


def _types(table: str) -> dict[str, str]:
    types: dict[str, str] = {}
    kind = ""
    for word in table.split():
        if word.endswith(":"):
            kind = word[:-1]
        else:
            types[word] = kind
    return types


TYPES = _types(_TABLE)


def settings(values: Mapping[str, str | list[str]]) -> dict[str, str]:
    """Settings by name in lower case, their values canonical. Raises ValueError for a name that stands twice."""
    canonical: dict[str, str] = {}
    for setting, value in values.items():
        known = setting.lower()
        if known in canonical:
            raise ValueError(f"the setting {known} stands there twice: the case of a name does not matter")
        canonical[known] = _canonical(known, value)
    return dict(sorted(canonical.items()))


def from_catalog(stored: Iterable[str]) -> dict[str, str]:
    """Settings out of pg_db_role_setting.setconfig: ``name=value`` each, lists with quoted elements."""
    return settings(dict(_split(item) for item in stored))


def _split(item: str) -> tuple[str, str]:
    setting, _, value = item.partition("=")
    return setting, value


def _canonical(setting: str, value: str | list[str]) -> str:
    kind = TYPES.get(setting, "")
    if kind == "list":
        return ", ".join(_quoted(element) for element in (value if isinstance(value, list) else elements(value)) or [""])
    if isinstance(value, list):
        return ", ".join(value)
    if kind == "bool":
        return boolean(value)
    if kind == "enum":
        return choice(value)
    if kind in ("integer", "real"):
        return _bare(value, kind)
    return _with_unit(value, kind) if kind else value


def elements(value: str) -> list[str]:
    """The elements of a list setting: names separated by commas, in double quotes where they need it."""
    found: list[str] = []
    position = 0
    while position < len(value):
        match = _ELEMENT.match(value, position)
        if match is None or match.end() == position:
            return [value]
        found.append(match[2] if match[1] is None else match[1].replace('""', '"'))
        position = match.end()
    return found


def _quoted(element: str) -> str:
    return element if re.fullmatch(r"[a-z_][a-z0-9_]*", element) else '"' + element.replace('"', '""') + '"'


def boolean(value: str) -> str:
    """As parse_bool() in src/backend/utils/adt/bool.c: unambiguous beginnings count."""
    word = value.strip().lower()
    if word and (word in ("1", "on") or "true".startswith(word) or "yes".startswith(word)):
        return "on"
    if word and (word in ("0", "of", "off") or "false".startswith(word) or "no".startswith(word)):
        return "off"
    return value


def choice(value: str) -> str:
    """A value of an enum: case does not matter, and some have other names."""
    word = value.lower()
    return _SAME.get(word, word)


def number(value: str, *, whole: bool) -> tuple[Fraction, str] | None:
    """The number that a value begins with, as parse_int() or parse_real() in src/backend/utils/misc/guc.c reads it, and its unit.

    None: it is no number, or written in a way that is not known here.
    """
    match = _NUMBER.fullmatch(value)
    if match is None:
        return None
    digits, unit = match[1], match[2]
    octal = _OCTAL.fullmatch(digits) if whole else None
    if octal is not None:
        return Fraction(int(octal[1] + octal[2], 8)), unit
    return Fraction(int(digits, 16) if "x" in digits.lower() else digits), unit


def in_units(amount: Fraction, unit: str, base: str) -> Fraction | None:
    """An amount, of which a bare number counts `base`, in units of `base`. None: that unit is of another kind."""
    if not unit or not base:
        return None if unit else amount
    count, of = _of_base(base)
    units = _TIME if of in _TIME else _SIZE
    return amount * units[unit] / (count * units[of]) if unit in units else None


def _of_base(base: str) -> tuple[int, str]:
    """``8kB`` is 8 of kB."""
    digits = base.rstrip(ascii_letters)
    return int(digits or 1), base[len(digits) :]


def _with_unit(value: str, base: str) -> str:
    """`value` with the largest unit that leaves it whole. `base`: what a bare number counts. The server rounds the rest."""
    read = number(value, whole=True)
    amount = None if read is None else in_units(*read, base)
    if amount is None:
        return value
    if amount <= 0:
        # 0 and -1 switch a setting off, whatever the unit.
        return str(amount) if amount.denominator == 1 else value
    count, of = _of_base(base)
    units = _TIME if of in _TIME else _SIZE
    for unit, size in reversed(tuple(units.items())):
        whole = amount * count * units[of] / size
        if whole.denominator == 1:
            return f"{whole}{unit}"
    return value


def _bare(value: str, kind: str) -> str:
    read = number(value, whole=kind == "integer")
    if read is None or read[1]:
        return value
    if kind == "integer":
        return str(round(read[0]))
    real = float(read[0])
    return str(int(real)) if real.is_integer() else repr(real)


def changes(target: sql.Composable, before: Settings, after: Settings) -> list[Statement]:
    """``ALTER target SET …`` and ``RESET …`` for what differs."""
    return [statement("ALTER {} {}", target, action) for action in actions(before, after)]


def actions(before: Settings, after: Settings) -> list[sql.Composable]:
    """``RESET …`` and ``SET …`` for what differs."""
    gone: list[sql.Composable] = [sql.SQL("RESET {}").format(_name(setting)) for setting in sorted(before.keys() - after.keys())]
    return gone + [
        sql.SQL("SET {} TO {}").format(_name(setting), _value(setting, value))
        for setting, value in sorted(after.items())
        if before.get(setting) != value
    ]


def _name(setting: str) -> sql.Composable:
    return name(*setting.split("."))


def _value(setting: str, value: str) -> sql.Composable:
    if TYPES.get(setting) == "list":
        return sql.SQL(", ").join(text(element) for element in elements(value))
    return text(value)
