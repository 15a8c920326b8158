"""From one configuration to another takes one apply, in an order that PostgreSQL accepts: stories that once failed."""

from __future__ import annotations

import pytest

from tests.apply.world import World

pytestmark = pytest.mark.enough(18)


def reach(world: World, *configurations: str) -> None:
    """Apply one after the other; each time nothing is left to do."""
    for text in configurations:
        world.declare(text).apply()
        assert not world.plan().pending_changes


@pytest.mark.pg(">= 16")
def test_a_member_goes_while_the_one_who_granted_it_changes(world: World, unique: str) -> None:
    """DROP ROLE takes a membership along, but comes after the privileges: what stands on another one cannot wait for that."""
    role, chief, member = f"{unique}_r", f"{unique}_c", f"{unique}_m"
    schema = f'[schema.s_a]\n[[grant]]\nto = ["{role}", "{member}"]\non = {{ schema = "s_a" }}\nprivileges = ["USAGE"]\n'
    granted = f'[[membership]]\nrole = "{role}"\nmember = "{chief}"\nadmin = true\n'
    given = f'[[membership]]\nrole = "{role}"\nmember = "{member}"\ngranted_by = "{chief}"\n'
    before = f"[role.{role}]\n[role.{chief}]\n[role.{member}]\n{granted}{given}{schema}"
    other = f'[[membership]]\nrole = "{chief}"\nmember = "{member}_x"\n'
    reach(world, before, f"[role.{role}]\n[role.{chief}]\n[role.{member}_x]\n[schema.s_a]\n{other}")
    reach(world, before, f"[role.{chief}]\nlogin = true\n[schema.s_a]\n", "")


@pytest.mark.pg(">= 16")
def test_a_membership_gets_and_loses_its_named_grantor(world: World, unique: str) -> None:
    """Both addresses are about one pair of roles, each about other rows of it."""
    roles = "".join(f"[role.{unique}_{name}]\n" for name in "rcm")
    chief = f'[[membership]]\nrole = "{unique}_r"\nmember = "{unique}_c"\nadmin = true\n'
    whole = f'[[membership]]\nrole = "{unique}_r"\nmember = "{unique}_m"\n'
    named = f'{whole}granted_by = "{unique}_c"\n'
    reach(world, roles + chief + whole, roles + chief + named, roles + chief + whole, "")
