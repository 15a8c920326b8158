"""Traps of PostgreSQL, and of tools like this one: each has a test that fails if pgplan falls into it."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

TRAPS: Mapping[str, Mapping[str, str]] = {
    "tests/apply/test_crash.py": {
        "a transaction's number is another's after a crash": "test_what_is_found_wins_over_a_number_that_lies",
        "a crash between the note and COMMIT": "test_server_crashes_between_pending_and_commit",
        "a COMMIT that waits for a standby is committed when it is ended": "test_commit_that_waits_for_a_standby",
        "a kill leaves objects that nobody recorded": "test_killed_after_any_step",
    },
    "tests/apply/test_meanwhile.py": {
        "a name changes hands between check and GRANT": "test_who_moves_what_and_when",
    },
    "tests/apply/test_noise.py": {
        "tuple concurrently updated": "test_nine_of_ten_get_through",
    },
    "tests/apply/test_recovery.py": {
        "the number is too old, in the future, or in progress": "test_verdict",
    },
    "tests/apply/test_refused.py": {
        "two make the same row at the same time": "test_a_row_that_another_makes_at_the_same_time_is_tried_again",
    },
    "tests/apply/test_steps.py": {
        "a warning that means failure is passed over": "test_warning_that_means_failure",
    },
    "tests/apply/test_target.py": {
        "another cluster, or another database, under the same name": "test_elsewhere",
    },
    "tests/cli/test_commands.py": {
        "a question that nobody can answer": "test_apply_asks_nobody_without_a_terminal",
        "import leaves the text to write": "test_import_records_prints_what_is_missing_and_leaves_an_empty_plan",
    },
    "tests/cli/test_errors.py": {
        "a plan never expires": "test_a_plan_expires",
        "an error leaves half of it applied": "test_a_step_that_fails_leaves_everything_as_before",
    },
    "tests/cli/test_frame.py": {
        "a message shows a sensitive value": "test_what_nobody_foresaw_shows_no_value",
    },
    "tests/cli/test_made_again.py": {
        "a plan file with other values in it is applied": "test_whatever_was_edited_is_not_applied_and_show_tells_what_would_run",
    },
    "tests/database/test_connection.py": {
        "READ COMMITTED sees what others committed, the others do not": "test_every_transaction_is_pinned",
        "settings and locks of a session leak through a pooler": "test_nothing_is_set_beyond_the_transaction",
    },
    "tests/database/test_notices.py": {
        "GRANT and REVOKE that do a part are mere warnings": "test_partial_grants_and_cut_names_are_failures",
    },
    "tests/database/test_read.py": {
        "functions and catalogs that only later versions have": "test_a_plain_role_reads_what_a_superuser_reads",
        "catalogs are read at different moments": "test_a_snapshot_is_one_moment",
        "one query for each object": "test_the_number_of_queries_does_not_depend_on_the_number_of_objects",
    },
    "tests/database/test_transport.py": {
        "passwords of mappings are in the log": "test_success",
        "an error's context quotes the password": "test_an_error_that_quotes_the_secret",
        "who waits for a lock is logged with the statement": "test_lock_wait",
        "OTHERS does not catch a cancelled query": "test_statement_timeout",
        "auto_explain shows values": "test_auto_explain_of_nested_statements",
        "pg_stat_statements shows what runs inside a function": "test_no_view_records_it_of_a_superuser",
        "the clear text leaves the client": "test_a_verifier_is_all_that_leaves",
    },
    "tests/grants/test_blocks.py": {
        "PUBLIC cannot have a grant option": "test_mistakes",
        "a privilege that the type does not have": "test_mistakes",
        "two blocks about one table overwrite each other": "test_blocks_of_one_address_add_up",
    },
    "tests/grants/test_claims.py": {
        "ALL is another set on each version": "test_all_is_what_the_version_has",
    },
    "tests/grants/test_default_privileges.py": {
        "an empty list for all schemas is ignored": "test_lists_are_read_as_they_hold",
        "a schema's list only adds, so that REVOKE there does nothing": "test_mistakes",
        "a list that is like the default has no row": "test_a_list_without_a_row_is_implied",
        "the owner is a grantee of its own list": "test_from_any_state_to_any_other",
        "large objects came with 18": "test_large_objects_are_known_from_18_on",
        "servers and wrappers have none": "test_what_has_no_default_privileges_is_born_built_in",
        "they count by who makes the object": "test_what_is_born_is_what_the_server_makes",
        "ADMIN OPTION on their owner is not enough": "test_whose_defaults_one_may_change",
    },
    "tests/grants/test_sequences.py": {
        "INSERT into a serial column needs its sequence, into an identity column nothing": "test_what_insert_needs_is_so",
    },
    "tests/grants/test_grantable.py": {
        "what is built in differs by type and version": "test_built_in_defaults_are_the_servers",
    },
    "tests/grants/test_granted_only.py": {
        "row types and arrays cannot be granted on": "test_what_nothing_can_be_granted_on_is_an_error_of_the_plan",
        "a language that is not trusted cannot be granted on": "test_what_nothing_can_be_granted_on_is_an_error_of_the_plan",
        "parameters cannot be granted on before 15": "test_parameters_need_15",
    },
    "tests/grants/test_import.py": {
        "PUBLIC may create in the schema public on 14 alone": "test_what_is_found_becomes_a_spec",
    },
    "tests/grants/test_keys.py": {
        "a type may be called like an array": "test_a_type_that_is_called_like_an_array",
    },
    "tests/grants/test_lists.py": {
        "an access list that is NULL means the built-in default": "test_an_unset_list_is_the_built_in_default",
        "an empty access list gives nothing, not even to the owner": "test_an_empty_list_is_nothing_even_for_the_owner",
        "ON TABLE takes sequences, ON SEQUENCE no tables": "test_what_is_not_there_is_an_error_of_the_plan",
        "MAINTAIN came with 17": "test_maintain_is_not_known_before_17",
        "a REVOKE on a table takes the columns' privileges along": "test_columns_survive_what_is_revoked_from_their_table",
        "a REVOKE on a column leaves it readable": "test_an_absence_on_a_column_does_not_hold_under_a_grant_on_its_table",
        "objects of pg_catalog are the system's, but may be named": "test_objects_of_pg_catalog_can_be_named",
        "several grantors gave the same": "test_chains_of_grantors_are_taken_apart_from_the_end",
    },
    "tests/grants/test_objects.py": {
        "a parameter's list vanishes when it is empty, and nobody checks names with a dot": "test_absences_hold",
        "ALL leaves something to do for ever": "test_every_privilege_for_every_grantee_from_any_state",
    },
    "tests/grants/test_sets.py": {
        "privileges of PUBLIC on columns": "test_from_any_set_to_any_other",
    },
    "tests/grants/test_signatures.py": {
        "overloads are different objects, known by their input types": "test_overloads_are_different_objects",
    },
    "tests/grants/test_statements.py": {
        "statements hold locks on hundreds of objects": "test_names_are_quoted_and_statements_stay_short",
        "two grants on one object get in each other's way": "test_privileges_then_grantees_then_objects_are_merged",
    },
    "tests/kinds/test_contract.py": {
        "functions that ignore the snapshot": "test_the_built_in_provider_keeps_the_contract",
    },
    "tests/kinds/test_declare.py": {
        "options of a server are readable by everybody": "test_refused",
        "public, none and pg_ are reserved": "test_refused",
        "pg_database_owner can neither have members nor be one": "test_refused",
        "an empty password takes it away": "test_refused",
    },
    "tests/kinds/test_drift.py": {
        "neither type nor wrapper of a server can be altered": "test_each_attribute",
        "GRANT without options leaves those of a membership": "test_options_of_a_membership",
        "'a, b' as a search path is one schema": "test_each_attribute",
    },
    "tests/kinds/test_foreign_table.py": {
        "foreign tables have no list of their own": "test_it_is_the_table",
    },
    "tests/kinds/test_function.py": {
        "CREATE OR REPLACE FUNCTION resets what it does not name": "test_only_what_changed_is_sent",
    },
    "tests/kinds/test_membership.py": {
        "from 16 on a membership has a row for each grantor": "test_what_any_grantor_gives_counts",
        "revoking one grantor's row leaves the others'": "test_the_row_of_one_grantor",
        "options of memberships came with 16": "test_options_need_16",
        "who makes a role is its administrator, and cannot give that back": "test_who_made_a_role_grants_it_to_himself",
        "loops of memberships": "test_a_loop_is_told_once",
        "predefined roles are members of one another": "test_predefined_memberships_are_the_systems",
    },
    "tests/kinds/test_role.py": {
        "a password is compared with its verifier": "test_a_password_is_recognised",
        "without superuser no password can be compared": "test_a_password_is_hidden_from_others",
    },
    "tests/kinds/test_settings.py": {
        "30s and 30000 are the same": "test_canonical_text_is_what_the_server_shows",
    },
    "tests/kinds/test_transitions.py": {
        "option values that hold =": "test_every_state_becomes_every_other",
        "comments and settings of any name": "test_every_state_becomes_every_other",
    },
    "tests/kinds/test_user_mapping.py": {
        "options of a mapping that are NULL are hidden, not empty": "test_hidden_is_never_empty",
        "who sees the options of a mapping": "test_visibility_is_the_views_own",
        "ADD, SET or DROP of an option is an error unless it is the right one": "test_only_what_changed_is_sent",
        "mappings of PUBLIC": "test_products",
    },
    "tests/plan/test_edges.py": {
        "a superuser's REVOKE of what another granted does nothing": "test_a_forbidden_privilege_is_taken_from_every_grantor",
        "what others granted meanwhile goes with a block": "test_what_others_granted_meanwhile_is_left_alone",
        "REVOKE and GRANT again leave a moment without rights": "test_a_shorter_list_sends_the_difference",
        "grant options are not looked at": "test_the_grant_option_is_enforced_both_ways",
    },
    "tests/plan/test_table.py": {
        "a restored database has its dropped roles back": "test_drift_to_a_tombstone_is_deleted_again",
        "protection goes with the block": "test_removed_but_protected_is_refused_whatever_the_policy",
        "a plan hides drift": "test_an_update_says_which_side_moved",
    },
    "tests/scenarios/test_anew.py": {
        "pg_upgrade makes another cluster of it": "test_another_cluster_takes_its_place",
        "an object that was dropped and made anew is another one": "test_a_stranger_is_neither_altered_nor_dropped",
    },
    "tests/scenarios/test_database.py": {
        "databases are not made in a transaction": "test_a_life",
    },
    "tests/scenarios/test_drift.py": {
        "tables are views, materialized views, partitioned and foreign tables too": "test_every_drift_is_found_and_repaired",
        "settings for one database": "test_every_drift_is_found_and_repaired",
    },
    "tests/scenarios/test_foreign_data.py": {
        "a server cannot be dropped under its mappings": "test_what_stands_on_a_server_stops_its_drop_when_planning",
    },
    "tests/scenarios/test_foreign_server.py": {
        "secrets in plan and state": "test_the_password_is_nowhere",
    },
    "tests/scenarios/test_default_privileges.py": {
        "a new owner leaves what the maker's defaults gave": "test_what_counts_is_what_its_owner_gives",
        "a role's own lists stop its DROP": "test_a_role_takes_its_own_lists_along",
        "an empty list for all schemas gives back what is built in": "test_a_list_is_never_left_empty",
        "SET ROLE alone does not let one change an owner's defaults": "test_whose_rights_are_not_inherited_is_become",
    },
    "tests/scenarios/test_functions.py": {
        "an expression comes back in other words, for ever": "test_body_in_a_file_and_defaults",
    },
    "tests/scenarios/test_held.py": {
        "DROP ROLE fails for what it owns and may do": "test_what_a_role_has",
        "DROP ROLE fails for what is in another database": "test_what_a_role_has_in_another_database",
    },
    "tests/scenarios/test_import_foreign_schema.py": {
        "an import passes over a table that is not there": "test_what_is_promised_and_not_there_is_rolled_back",
    },
    "tests/scenarios/test_migrations_user.py": {
        "new tables under a pattern are a difference for ever": "test_what_newly_matches_and_is_right_already_is_no_change",
    },
    "tests/scenarios/test_names_and_owners.py": {
        "names are folded": "test_names_are_kept_to_the_letter",
        "names over 63 bytes are cut": "test_a_name_that_postgresql_would_cut_is_refused",
        "what creates first and drops last gets an owner wrong": "test_an_owner_moves_from_a_role_that_goes_to_a_role_that_comes",
    },
    "tests/scenarios/test_role_called_public.py": {
        '"PUBLIC" in capitals is an ordinary role': "test_every_name_is_one_grantee",
    },
    "tests/scenarios/test_same_plan.py": {
        "a verifier has another salt each time": "test_with_and_without_secrets_the_same_is_decided_but_for_the_slots",
    },
    "tests/scenarios/test_semantics.py": {
        "the rights of a grantor are missing": "test_what_others_granted_takes_their_rights_to_revoke",
    },
    "tests/scenarios/test_stale_plans.py": {
        "a stale plan is told by the serial alone": "test_a_touched_or_relied_upon_object_was_altered",
        "a state that was edited under its serial": "test_the_state_was_edited_under_the_same_serial",
        "everybody can read the plan file": "test_the_plan_file_is_for_its_owner_only_and_tells_no_address",
    },
    "tests/scenarios/test_standby.py": {
        "a failover lost something": "test_a_failover_that_lost_something_stops_the_pipeline",
    },
    "tests/scenarios/test_traps.py": {
        "on 15 the schema public is pg_database_owner's": "test_the_owner_of_the_database_owns_the_schema_public",
        "multiranges can be granted on in some versions": "test_a_multirange_is_no_type_of_its_own",
        "LIKE 'pg_%' hides what merely begins with pg": "test_names_that_begin_like_those_of_the_system",
        "a grantor's role is out of reach": "test_what_a_role_granted_that_one_cannot_become_is_not_to_be_revoked",
        "dependent privileges exist": "test_what_stands_on_a_grant_option_stops_its_revoke_when_planning",
        "a grantor without USAGE on the schema cannot revoke": "test_a_grantor_revokes_before_the_schema_is_closed_to_it",
        "a role makes a mapping for itself with USAGE, and for nobody else": "test_with_usage_a_role_maps_itself_and_nobody_else",
        "options that are for superusers are checked with any other": "test_options_for_superusers_are_refused_when_planning",
        "only a superuser can own a wrapper": "test_the_owner_of_a_wrapper_is_a_superuser",
        "ALTER ROLE … INHERIT changes no membership": "test_a_membership_follows_its_member_when_that_changes",
        "createrole_self_grant adds a second row": "test_what_a_maker_is_granted_by_itself_is_no_drift",
        "an update of a role takes its other memberships": "test_a_new_password_leaves_the_memberships_that_others_gave",
        "18 warns of MD5": "test_an_md5_verifier_is_stored_as_it_is",
        "a schema takes its lists along": "test_a_schema_goes_with_its_default_privileges",
        "hardened defaults strip an extension's functions": "test_functions_of_an_extension_are_not_stripped_by_the_same_plan",
        "one name of a host leads to two servers": "test_a_plan_opens_one_connection",
        "planning waits for who applies": "test_a_plan_needs_no_lock",
    },
    "tests/scenarios/test_without_superuser.py": {
        "CREATEROLE is not enough from 16 on": "test_createrole_is_not_enough_from_16_on",
        "nobody gives what he lacks": "test_attributes_that_the_connected_role_cannot_give_or_take_are_refused_when_planning",
    },
    "tests/state/test_backend.py": {
        "the state is cut off in the middle of being written": "test_a_writer_that_is_killed_leaves_the_old_bytes_or_the_new",
        "of two writers one is lost": "test_of_racing_processes_none_loses_a_write",
        "a lock outlives who held it": "test_the_lock_of_a_killed_process_is_free",
        "the wrong holder of a lock is named": "test_the_holder_that_is_named_is_the_present_one",
    },
}
"""By module: the trap, and the test there that fails if pgplan falls into it."""


@cache
def _tests(path: Path) -> frozenset[str]:
    return frozenset(one.name for one in ast.parse(path.read_text()).body if isinstance(one, ast.FunctionDef))


@pytest.mark.parametrize("module", TRAPS)
def test_every_trap_has_its_test(module: str) -> None:
    assert set(TRAPS[module].values()) <= _tests(ROOT / module)
