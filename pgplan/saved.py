"""A plan in a file, on its way from who planned to who applies: nothing in it is believed that is not decided here as well.

Whoever can write the file can write another one whose hashes fit. So apply makes the plan again, from the configuration that it
was given, and what it then carries out is what that configuration means.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping

from attrs import evolve

from pgplan.database.apply import Again, Applied
from pgplan.database.read import read
from pgplan.database.stale import raise_moved
from pgplan.database.verify import counted, stale
from pgplan.errors import PgplanError, Problem, StaleError, raise_all
from pgplan.events import Remarked
from pgplan.execution import apply_plan
from pgplan.plan.again import as_saved, differences, held_back, misjudged, with_slots_of
from pgplan.plan.build import Slots
from pgplan.plan.model import Options, Plan
from pgplan.plan.parts import rest
from pgplan.planfile import Manifest
from pgplan.state.model import State
from pgplan.version import __version__
from pgplan.workflow import Run, Seen, build_plan, refuse_past, since_last_apply, slots_of, types_of, with_others, with_trials

SHOWN = 10
"""How many differences are told."""
_TRUST = "to apply the file just as it is, which leaves this check out, say --trust-plan"


def check_options(plan: Plan, options: Options) -> None:
    """Raise StaleError unless apply was asked for what the plan was asked for: that is never taken from the file."""
    asked = plan.decided.options
    hint = "give apply the options that plan was given, or make a new plan"
    problems: list[Problem] = []
    for does, there, here, option in (
        ("destroys", asked.destroy, options.destroy, "--destroy"),
        ("includes what was adopted", asked.include_adopted, options.include_adopted, "--include-adopted"),
    ):
        if there and not here:
            problems.append(Problem(f"this plan {does}: say {option}", hint=hint))
        elif here and not there:
            problems.append(Problem(f"{option} was given, but this is no plan that {does}", hint=hint))
    problems += (
        Problem(f"this plan was made {_said(option, there)}, not {_said(option, here)}", hint=hint)
        for option, there, here in (
            ("--target", asked.target, options.target),
            ("--exclude", asked.exclude, options.exclude),
            ("--replace", asked.replace, options.replace),
        )
        if there != here
    )
    raise_all(StaleError, problems)


def _said(option: str, patterns: Iterable[str]) -> str:
    said = " ".join(f"{option} {shlex.quote(pattern)}" for pattern in patterns)
    return f"with {said}" if said else f"without {option}"


def apply_saved(run: Run, plan: Plan, about: Manifest, options: Options | None) -> Applied:
    """Make the plan again with `options`, and carry it out if that is `plan`; without options it is trusted.

    Raises PgplanError, with nothing changed, when anything differs.
    """
    again = None if options is None else _maker(run, plan, about, options)
    return apply_plan(run, plan, about.remarks, again=again)


def _maker(run: Run, plan: Plan, about: Manifest, options: Options) -> Again:
    def again(state: State, done: tuple[int, ...]) -> Plan:
        planning = _Again(run, plan, about, options, state)
        return planning.rest(done) if done else planning.plan()

    return again


class _Again:
    """The plan, made again from what is here."""

    def __init__(self, run: Run, saved: Plan, about: Manifest, options: Options, state: State) -> None:
        self.run, self.saved, self.about, self.options = run, saved, about, options
        types = types_of(run, state)
        types.update(type_ for one in counted(saved) for type_ in run.registry.readers_of(one.type, one.key))
        snapshot = read(run.connection, run.registry, types)
        snapshot = with_others(run, state, snapshot, destroy=options.destroy)
        self.seen = Seen(state, None, snapshot if options.destroy else with_trials(run, snapshot))

    def plan(self) -> Plan:
        """Raises StaleError, which says what differs, unless it decides what the saved one does."""
        raise_moved(stale(self.saved, self.seen.snapshot))
        self._refuse_loss()
        saved = self.saved.decided
        known = slots_of(self.run, self.seen, destroy=self.options.destroy)
        own = self._built(known)
        problems = misjudged(saved, own.decided)
        plan = self._built(with_slots_of(saved, known)) if own.decided.slots != saved.slots else own
        plan = evolve(plan, decided=as_saved(plan.decided, saved))
        if problems or plan.decided != saved:
            causes = self._causes()
            if not causes and not problems:
                causes.append(Problem("configuration, variables, state and database are as they were: the plan file was edited"))
            problems += differences(saved, plan.decided)
            raise StaleError(self._summary(), *causes, *problems[:SHOWN], *_more(len(problems) - SHOWN))
        for one in held_back(saved, own.decided):
            held = f"the secret {one.slot} has another value now; it is not sent, because this plan has it unchecked"
            self.run.tell(Remarked(f"{one.address}: {held}"))
        return plan

    def rest(self, done: tuple[int, ...]) -> Plan:
        """What is left of the saved plan once the phases `done` are. Raises StaleError unless that is what is planned here."""
        saved, known = rest(self.saved, done), slots_of(self.run, self.seen, destroy=self.options.destroy)
        own = self._built(with_slots_of(self.saved.decided, known))
        if (own.decided.changes, own.decided.phases) == (saved.changes, saved.phases):
            return own
        message = (
            "the rest of the saved plan, which is carried out in part, is not what is planned here; nothing more was changed"
        )
        told = differences(evolve(saved, checks=own.decided.checks, slots=own.decided.slots), as_saved(own.decided, saved))
        hint = "make a new plan, for what is left"
        raise StaleError(Problem(message, hint=hint), *self._causes(), *told[:SHOWN], *_more(len(told) - SHOWN))

    def _refuse_loss(self) -> None:
        """Raise StaleError where the database lost something since the plan was made: who approved it did not know."""
        if self.about.remarks.timeline != self.seen.snapshot.facts.timeline:
            refuse_past(evolve(self.seen, since=since_last_apply(self.run, self.seen.state, self.seen.snapshot)))

    def _built(self, known: Slots) -> Plan:
        try:
            return build_plan(self.run, self.seen, self.options, known)[0]
        except PgplanError as error:
            raise StaleError(self._summary(), *self._causes(), *error.problems) from None

    def _summary(self) -> Problem:
        message = "the saved plan is not what is planned here; nothing was changed"
        return Problem(message, hint=f"make a new plan; or, {_TRUST}")

    def _causes(self) -> list[Problem]:
        """Why, as far as the file's own remarks tell."""
        about, known = self.about, self.run.configuration
        causes = [*_files(dict(about.files), dict(known.files)), *_variables(dict(about.variables), known.variables)]
        if about.pgplan != __version__:
            causes.append(Problem(f"the plan was made by pgplan {about.pgplan}; this is {__version__}"))
        return causes


def _files(then: Mapping[str, str], now: Mapping[str, str]) -> Iterator[Problem]:
    for name in sorted(then.keys() | now.keys()):
        if then.get(name) != now.get(name):
            how = "is new" if name not in then else "is gone" if name not in now else "was changed"
            yield Problem(f"the configuration differs: {name} {how} since the plan was made")


def _variables(then: Mapping[str, str], now: Mapping[str, str]) -> Iterator[Problem]:
    for name in sorted(then.keys() & now.keys()):
        if then[name] != now[name]:
            hint = "give --var and --var-file to apply as they were given to plan"
            yield Problem("the variable has another value than when the plan was made", address=f"var.{name}", hint=hint)


def _more(count: int) -> list[Problem]:
    return [Problem(f"and {count} more differences")] if count > 0 else []
