"""The contract between the engine and a provider: what a kind of object must say of itself.

The engine knows no kind of PostgreSQL object. A provider (entry point group ``pgplan.providers``) lists *kinds*, which stand in
the configuration and the state, and *readers*, which say what the catalogs hold. Kinds compose SQL; only the engine runs it.
What a kind does to others it says; the engine infers nothing from what kinds there are. All this is imported from `pgplan.sdk`.

Rules that hold for every spec class (an attrs class, frozen):

* one class serves declared, recorded and found; attrs converters normalise, so that ``==`` is the comparison;
* None means *not said* on the declared side (not managed) and *hidden by the server* on the found side. What the server shows
  as absent has a value of its own: ``""`` for no comment, ``{}`` for no options;
* no sets; mappings are dicts sorted by key; lists are tuples, sorted unless their order means something;
* every attribute is JSON after `pgplan.images.image`, where a `Secret` becomes a marker.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol, runtime_checkable

from attrs import frozen

from pgplan.address import Identity
from pgplan.secret import Secret
from pgplan.snapshot import AccessList, Catalog, Facts, Found, Item, Snapshot, Spec

SpecOf = Callable[[str, str], Spec | None]
"""Another object's spec by (type, key): as declared, else as found, else None."""

IsThere = Callable[[str, str], bool]
"""Whether another object, by (type, key), is found or made by the plan."""

Wanted = Mapping[str, tuple[Found | None, Spec]]
"""By key, objects of one kind that a plan makes or alters: what is found (None: create), and what shall be."""

Reasons = Iterable[tuple[str, str, str]]
"""Why not: (key, message, hint) of each."""

Row = Mapping[str, Any]
Scope = Literal["cluster", "database"]


@frozen(order=True)
class Reference:
    """A name in a spec: another object that must be there first. `type` is a kind's or a reader's name."""

    type: str
    key: str
    attribute: str = ""

    def __str__(self) -> str:
        return f"{self.type}.{self.key}"


class Reader(Protocol):
    """Reads all objects of one type in one query, or those that a reader of that type leaves to it."""

    @property
    def type(self) -> str: ...
    @property
    def scope(self) -> Scope: ...
    @property
    def always(self) -> bool:
        """Whether it is read in every run; else only when the configuration or the state mentions the type."""
        ...

    def query(self, facts: Facts) -> str:
        """A whole SELECT that a DBA can paste into psql, and that uses nothing which ignores the snapshot."""
        ...

    def load(self, rows: Sequence[Row], facts: Facts) -> Iterable[Found]: ...


@runtime_checkable
class ImplyingReader(Protocol):
    """A reader of access lists that need no row in the catalogs."""

    def implied(self, key: str, facts: Facts) -> Found | None:
        """What it means that there is no row: an object with a known access list. None: `key` names no such list."""
        ...

    def unheeded(self, key: str, forbidden: Collection[Item], after: Callable[[str], AccessList]) -> Iterable[tuple[str, str]]:
        """What the server would take without an error and not heed, as (message, hint): of the list `key`, which the plan
        changes, or of what a block forbids on it. `after` gives such a list, by key, as it is after the plan."""
        ...


@frozen
class SecretUse:
    """A place in a statement, written ``:'slot'`` as psql would, that takes a secret when the plan is applied.

    `transport` is "verifier" (a SCRAM verifier made on the client for role `role`) or "private" (the statement is run inside the
    server with the value taken from a temporary table, so that no log shows it). `command` is the statement's command tag, which
    event triggers see: ``ALTER USER MAPPING``.
    """

    slot: str
    transport: Literal["verifier", "private"]
    role: str = ""
    command: str = ""


@frozen
class Statement:
    """One SQL statement, final but for its secrets. `run_as` is a role to SET LOCAL ROLE to around it."""

    sql: str
    secret: SecretUse | None = None
    run_as: str = ""


@frozen
class TextFile:
    """What a block gives by the name of a file, relative to the file that it stands in. Loading the configuration reads it."""

    path: str
    text: str = ""


class InvalidBlockError(Exception):
    """A block that decodes but makes no sense. Each mistake is (path within the block, message, hint)."""

    def __init__(self, *mistakes: tuple[tuple[str | int, ...], str, str]) -> None:
        super().__init__("; ".join(message for _, message, _ in mistakes))
        self.mistakes = mistakes


@frozen
class Declaration:
    """One spec that a block declares, by kind and key. A role's `member_of` declares memberships, for instance."""

    kind: str
    key: str
    spec: Spec


class Outcome(Protocol):
    """What one database sees when all that a plan makes is made, and before privileges change."""

    @property
    def catalog(self) -> Catalog:
        """What is found now."""
        ...

    def spec(self, type_: str, key: str) -> Spec | None:
        """An object's spec as this plan leaves it, what is not declared as it is found; None where there is no such object, or
        where it only comes with another."""
        ...

    def specs(self, type_: str) -> Iterable[tuple[str, Spec]]:
        """Key and spec of all of one type that this plan leaves or makes, but for what only goes with something else."""
        ...

    def is_there(self, type_: str, key: str) -> bool:
        """Whether the object is found and stays, is made, or may come with something that is made."""
        ...

    def is_made(self, type_: str, key: str) -> bool:
        """Whether this plan makes the object itself."""
        ...


class Kind(Protocol):
    """What object kinds and edge kinds have in common."""

    @property
    def name(self) -> str: ...
    @property
    def form(self) -> Literal["table", "array"]:
        """``[kind.NAME]`` or ``[[kind]]``."""
        ...

    @property
    def scope(self) -> Scope: ...
    @property
    def version(self) -> int:
        """The version of the spec's recorded form: raise it when the spec class changes incompatibly."""
        ...

    @property
    def block(self) -> type[Any]:
        """The attrs class that one TOML block is decoded into, strictly. Attributes that products allow are lists there; one that
        names a file is a `TextFile`.

        A class variable ``WORDS`` may say what to write instead of keys that it does not have, but that people look for.
        """
        ...

    @property
    def spec(self) -> type[Any]: ...

    def declare(self, name: str, block: Any) -> Iterable[Declaration]:
        """What one block declares, products multiplied out. `name` is the block's object name, "" for the array form.

        Raises InvalidBlockError with every mistake of the block.
        """
        ...

    def references(self, spec: Spec) -> Sequence[Reference]: ...

    def secrets(self, spec: Spec) -> Mapping[str, Secret]:
        """The spec's secrets by slot ("password", "options.password")."""
        ...


@runtime_checkable
class BlockWriter(Protocol):
    """A kind whose blocks are not spelled like its specs says itself how a spec is declared."""

    def blocks(self, spec: Spec) -> Sequence[Mapping[str, Any]]:
        """The keys and values of each block, as TOML has them."""
        ...


@runtime_checkable
class NamesGrantees(Protocol):
    """A kind whose specs hold plain names of grantees, which TOML may have to spell in another way."""

    @property
    def grantees(self) -> Sequence[str]:
        """The attributes that hold one: a block spells them as `pgplan.address.role_grantee` does."""
        ...


@runtime_checkable
class Renamable(Protocol):
    """A kind whose objects get another name without being made anew: its blocks may say ``renamed_from``."""

    def former(self, name: str, key: str) -> str:
        """The key of the object that ``renamed_from = name`` means, where `key` is the one that it gets.

        Raises InvalidBlockError for what is no name, and where no rename leads from one to the other.
        """
        ...

    def also_called(self, key: str) -> Sequence[str]:
        """Shorter keys by which blocks may mean the same object."""
        ...

    def rename(self, old: str, new: str) -> Sequence[Statement]:
        """From one key to the other."""
        ...

    def not_renamed(self, found: Found, facts: Facts) -> str:
        """Why the server does not rename it, in words that follow its address; "" if it does."""
        ...

    def missing_to_rename(self, found: Found, rights: Any) -> Sequence[str]:
        """Every right that the connected role certainly lacks to rename it, in words."""
        ...

    def lost_by_rename(self, found: Found) -> str:
        """What it loses, or may lose, by a rename, in words that follow its address; "" for nothing."""
        ...


@runtime_checkable
class MadeApart(Protocol):
    """A `Renamable` kind whose objects are databases, which the server makes and drops in no transaction. The engine has them
    made under another name, which they keep until the transaction that does all else; what is dropped goes after that.

    `create` is what runs in that transaction, once the object has its name. What a database holds is lost with it: without its
    block it is dropped only where the policy says so of its very kind.
    """

    def apart(self, spec: Spec, key: str) -> Statement:
        """What makes it, under another key."""
        ...

    def template(self, spec: Spec) -> str:
        """The name of the database that it is made from, with all that this holds."""
        ...

    def in_use(self, key: str) -> str:
        """A whole SELECT of what keeps the server from dropping it: rows with one column ``what``, in words."""
        ...


@runtime_checkable
class Selective(Protocol):
    """A kind whose reader finds more than its blocks can say."""

    def unmanageable(self, found: Found) -> str:
        """Why what is found cannot be adopted, in words that follow its address; "" if it can."""
        ...


@runtime_checkable
class Trying(Protocol):
    """A kind that asks the server itself, when planning, what it would refuse and no snapshot can tell."""

    def trials(self, specs: Mapping[str, Spec], catalog: Catalog) -> Iterable[str]:
        """Queries that write nothing and leave nothing when they are rolled back, for what is declared, by key, and is not found
        so. What the server says to those that fail, `Catalog.refusal` has."""
        ...


class ObjectKind(Kind, Protocol):
    """A kind whose address names one object. A reader of the same name finds its spec."""

    def object(self, key: str) -> tuple[str, str]:
        """The object in the catalogs that an address with this key means, by type and key: what references and privileges
        speak of. ``foreign_table.s.t`` means the table s.t."""
        ...

    def owner(self, spec: Spec) -> str | None:
        """The role that `spec` makes the owner; None where it says nothing of one."""
        ...

    def columns(self, spec: Spec) -> frozenset[str] | None:
        """The names of all columns that its object has by `spec`, for privileges on them; None where it does not say."""
        ...

    @property
    def stands_on(self) -> Sequence[str]:
        """Types of what its objects refer to. Whenever one of these is in the plan, this kind is read too, so that what would
        stop a DROP, or be lost by it, is known when planning."""
        ...

    @property
    def reads(self) -> Sequence[str]:
        """Types that are read besides its own wherever it is declared or recorded."""
        ...

    def brings(self, spec: Spec, type_: str, key: str, is_there: IsThere) -> bool:
        """Whether its creation may bring this object, which is not found and which nothing declares."""
        ...

    @property
    def has_members(self) -> bool:
        """Whether it is what `Found.extension` names: its members go with it."""
        ...

    @property
    def goes_with(self) -> Sequence[str]:
        """Attributes that name objects whose own DROP takes this one along: it needs no statement then, and stops none."""
        ...

    @property
    def private(self) -> Sequence[str]:
        """Attributes that are nobody's business where another block only names the object: not kept in its plan, nor compared."""
        ...

    @property
    def adopted_silently(self) -> bool:
        """Whether what exists is adopted and completed without asking."""
        ...

    @property
    def early(self) -> bool:
        """Whether it comes as early as it can: what follows may need the rights that it gives."""
        ...

    @property
    def late(self) -> bool:
        """Whether it comes after all else, as far as it can: PostgreSQL looks up things that its specs do not name."""
        ...

    @property
    def exclusive(self) -> bool:
        """Whether two of its objects may exclude each other, so that what goes must be gone before anything of it is made."""
        ...

    def excluded(self, going: Mapping[str, Spec], others: Mapping[str, Spec]) -> Iterable[str]:
        """Of an `exclusive` kind: keys of those in `going`, which would go late and with something else, that cannot be
        there beside what stays or is made, `others`. They get a DROP of their own."""
        ...

    def turns(self, wanted: Wanted, outcome: Outcome) -> Iterable[tuple[str, str]]:
        """Of what this plan makes and alters of the kind: keys (first, then), where one gives a right that the other takes.
        What goes and gives such a right does so later (`Rights.leading`)."""
        ...

    @property
    def undeclared(self) -> bool:
        """Whether one that is found in the ``[scope]``, and that nothing declares, is reported or dropped if policy says so."""
        ...

    def together(self, specs: Mapping[str, Spec]) -> Reasons:
        """What is wrong with all declared specs taken together, by key."""
        ...

    @property
    def replace_when(self) -> Sequence[str]:
        """Attributes that PostgreSQL cannot alter: a difference means drop and create."""
        ...

    @property
    def replace_when_hidden(self) -> Sequence[str]:
        """Attributes that cannot be altered blind: hidden by the server and not recorded, they mean drop and create too."""
        ...

    @property
    def creation_only(self) -> Sequence[str]:
        """Attributes that only `create` uses and the catalogs do not keep: never compared, None in every found spec."""
        ...

    @property
    def rewritten(self) -> Sequence[str]:
        """Attributes that the server keeps in words of its own, such as expressions. What it made of them when they were applied
        is recorded beside them: as long as it keeps that, they are what was declared."""
        ...

    def fixed(self, found: Found, spec: Spec, changed: Sequence[str]) -> Sequence[str]:
        """Those of the attributes in `changed` that PostgreSQL cannot alter from what was found to `spec`: they mean drop and
        create. At least those of `replace_when`."""
        ...

    def meaning(self, spec: Spec, spec_of: SpecOf) -> Mapping[str, str]:
        """By attribute, what says what its values mean: where that is another one, a replacement does not keep them."""
        ...

    def cautions(self, spec: Spec) -> Sequence[str]:
        """What who reads a plan that makes or alters `spec` should think of: whole sentences without the address."""
        ...

    def complete(self, spec: Spec, facts: Facts, spec_of: SpecOf) -> Spec:
        """A declared spec made definite for this server, before anything is compared: defaults that depend on its version or
        on another object are filled in. The engine calls it once for each declared object when planning.

        Raises InvalidBlockError with what a server of this version cannot do.
        """
        ...

    def grounds(self, spec: Spec, found: Found | None, spec_of: SpecOf) -> Sequence[Reference]:
        """What `spec`, or what was found, also stands on: to be made before it, and dropped after it, where this plan does so.
        What was found also leaves before something of its own kind is altered on which it stands."""
        ...

    def slot_matches(self, slot: str, declared: str, found: Secret) -> bool:
        """Whether what the server stores for a slot is the declared value."""
        ...

    def create(self, spec: Spec) -> Sequence[Statement]: ...

    def alter(self, found: Found, spec: Spec, changed: Sequence[str], slots: Sequence[str]) -> Sequence[Statement]:
        """From what was found to `spec`: `changed` names attributes that differ, `slots` secrets whose value must be sent.

        Raises InvalidBlockError with what PostgreSQL cannot alter in this case.
        """
        ...

    def drop(self, found: Found) -> Sequence[Statement]: ...

    def impossible(self, wanted: Wanted, outcome: Outcome) -> Reasons:
        """What the server would certainly refuse of all that this plan makes and alters of the kind, whoever asks."""
        ...

    def missing_rights(self, found: Found | None, spec: Spec | None, rights: Any) -> Sequence[str]:
        """Every right that the connected role certainly lacks to go from `found` (None: create) to `spec` (None: drop), in words;
        not what only the server can tell. `rights` is what the provider's `rights` gave."""
        ...

    def lock_out(self, found: Found, spec: Spec | None, facts: Facts) -> str | None:
        """What the connected role would lose by going from `found` to `spec` (None: dropped), in words; None if nothing."""
        ...


@frozen
class Whereabouts:
    """What of an object counts for ``[scope]``. Roles are spelled as `Item` spells a grantee."""

    schema: str = ""
    """The name of the schema that it is in, or is."""
    roles: tuple[str, ...] = ()
    """Those by which it is in scope if they are: a role itself, both sides of a membership, the owner of default privileges."""
    others: tuple[str, ...] = ()
    """Roles that do not bring it in scope, but leave it out if they are excluded."""
    database: str = ""
    """The name of the database that it is, which may be excluded."""
    is_brought: bool = False
    """Whether nobody has to declare it: it is PostgreSQL's own, its platform's, an extension's or the connected role's."""
    as_made: bool = False
    """Whether what its access list says from the start is nobody's to declare either, although PUBLIC is in scope; of a role,
    whether all that it is granted is."""


@runtime_checkable
class Surveyor(Protocol):
    """A provider of whose objects one can tell where they are, so that what nobody declares is found in a ``[scope]``."""

    def whereabouts(self, found: Found, catalog: Catalog) -> Whereabouts: ...

    @property
    def tallied(self) -> Sequence[str]:
        """Types of which there may be too many objects to read them only to count them."""
        ...

    def tally(self, types: Collection[str]) -> str:
        """A SELECT, like that of a reader, of how many objects there are of these types that somebody could declare, as type,
        schema and number; "" where there is nothing to count. `types` are some of those that are `tallied`."""
        ...

    def initial(self, found: Found, catalog: Catalog) -> AccessList:
        """What its list said when it was made: what PostgreSQL gives by default, and what its extension or initdb gave."""
        ...


class Selector(Protocol):
    """Which objects a claim is about. Hashable; claims whose selectors are equal are about the same objects."""

    @property
    def type(self) -> str:
        """The type of the objects."""
        ...

    @property
    def named(self) -> bool:
        """Whether it names one object. A claim that does beats one by pattern."""
        ...

    def objects(self, catalog: Catalog) -> Iterable[tuple[str, str]]:
        """(type, key) of each. One that is named is given whether it is found or not.

        Raises InvalidBlockError where a name means several objects, or one of another type.
        """
        ...

    def exceptions(self, catalog: Catalog) -> Iterable[tuple[str, str]]:
        """(type, key) of what it leaves out by name: each must be there, or be made by the plan."""
        ...


@frozen
class Claim:
    """What one spec says of privileges on some objects: that the items must be there or, with `forbids`, must not; or whose the
    objects must be.

    Forbidding a privilege on a whole object forbids it on its columns too, unless a claim names the column.
    """

    selector: Selector
    items: tuple[Item, ...] = ()
    forbids: bool = False
    grantable: bool = False
    owner: str = ""
    """The role that must own them; "" says nothing of that. Such a claim has no items."""


@frozen(order=True)
class Edge:
    """One privilege of one grantee on one object."""

    object: Identity
    item: Item


@frozen(order=True)
class OwnerChange:
    """An object that gets another owner, and with it what follows it (`Found.follows`)."""

    object: Identity
    before: str
    after: str


class EdgeKind(Kind, Protocol):
    """A kind whose address stands for a set of edges, or says whose some objects are that it does not make."""

    @property
    def of_owners(self) -> bool:
        """Whether all its claims are about owners; else none is."""
        ...

    @property
    def right_after(self) -> Sequence[str]:
        """Kinds after which its privileges change, and before anything else is made, for what is made is born with them. Empty:
        they change after everything is made."""
        ...

    def merge(self, one: Spec, other: Spec) -> Spec | None:
        """Two specs of the same address, added up; None: they do not add up, so that it is declared twice."""
        ...

    def reads(self, spec: Spec) -> Sequence[str]:
        """Types that must be read to find the objects of the spec."""
        ...

    def claims(self, spec: Spec, facts: Facts) -> Sequence[Claim]:
        """What the spec wants and forbids.

        Raises InvalidBlockError when the server's version does not have a privilege.
        """
        ...

    def adoptable(self, key: str, catalog: Catalog) -> Spec | None:
        """The spec that describes what is found for an address, for `pgplan import`. None: nothing is found.

        Raises InvalidBlockError when the key is not one of this kind.
        """
        ...

    def declarations(self, found: Found) -> Iterable[Declaration]:
        """What would have to be declared for an object's access list to be as it is found, but for its owner's own rights."""
        ...


@runtime_checkable
class ListKind(EdgeKind, Protocol):
    """One that declares what access lists say: items that nothing declares are undeclared ones of its own."""

    @property
    def on(self) -> Sequence[str]:
        """The types of the objects whose lists they are."""
        ...

    @property
    def surveys(self) -> Sequence[str]:
        """Types to read besides, to tell what is undeclared in them."""
        ...

    def key_on(self, type_: str, key: str, grantee: str) -> str:
        """The key of the address that declares what a grantee has on an object; "" where another kind does."""
        ...


@frozen
class EdgeChange:
    """An edge to be granted or revoked, in the plan's terms. A revoke with `only_option` keeps the privilege itself."""

    action: Literal["grant", "revoke"]
    edge: Edge
    grantable: bool = False
    only_option: bool = False
    run_as: str = ""
    grantor: str = ""
    """Whose grant a revoke takes away; for the engine's own books, SQL does not name it."""
    ahead: bool = False
    """Of a grant: it stands in for what revokes take, so that it comes before them."""


@frozen
class EdgeStatement:
    """One statement and the changes it makes."""

    statement: Statement
    changes: tuple[EdgeChange, ...]


class Rights(Protocol):
    """What the connected role may do; opaque to the engine but for privileges, and for what it loses on the way."""

    def leading(self, dropped: Collection[tuple[str, str]], altered: Collection[tuple[str, str]]) -> Sequence[tuple[str, str]]:
        """Of the objects, by type and key, that a plan drops and alters: what leads the connected role to rights that it has by
        nothing else, and that it loses with it. They come last, in this order."""
        ...

    def without(self, dropped: Collection[tuple[str, str]], altered: Collection[tuple[str, str]]) -> Rights:
        """What is left of them when these objects are dropped and altered."""
        ...

    def runs_as(self, change: EdgeChange) -> str:
        """The role that the connected role must become for a change of privileges, "" if it need not."""
        ...

    def missing_for(self, change: EdgeChange, granted: Collection[Edge]) -> str | None:
        """The right that it certainly lacks for a change of privileges, in words. `granted` is all that the plan grants."""
        ...

    def hindered(self, change: EdgeChange, granted: Collection[Edge]) -> str:
        """Why the other role as which a change must run, its `run_as`, cannot get at the object, in words; "" if it can."""
        ...

    def missing_to_give(self, change: OwnerChange) -> Sequence[str]:
        """Every right that it certainly lacks to give an object to another role, in words."""
        ...

    def lock_out(self, change: OwnerChange) -> str | None:
        """What it would lose with an object that is given to another role, in words; None if nothing that it needs."""
        ...


class Provider(Protocol):
    """The entry point's object."""

    @property
    def kinds(self) -> Sequence[ObjectKind | EdgeKind]: ...
    @property
    def readers(self) -> Sequence[Reader]: ...

    def readers_of(self, type_: str, key: str) -> Sequence[str]:
        """The readers that find an object of this type by this key, if there is one, by their types: that of its own type, and
        one for what few configurations name."""
        ...

    def grantee(self, name: str) -> Reference | None:
        """The object that the grantee of an `Item`, or a grantor, is; None for PUBLIC."""
        ...

    def built_in(self, type_: str, key: str, owner: str, facts: Facts) -> AccessList:
        """What PostgreSQL gives on an object whose access list is not set: ``acldefault()``."""
        ...

    def born(self, type_: str, key: str, owner: str, catalog: Catalog) -> AccessList:
        """The access list that an object has when the role `owner` has just made it: built-in and default privileges."""
        ...

    def born_by(self, type_: str, key: str, owner: str) -> Sequence[Reference]:
        """The lists that say so, as far as they can change."""
        ...

    def rights(self, catalog: Catalog, later: Catalog) -> Rights:
        """What the connected role may do, as `catalog` is: as found, or with the owners that the plan gives to objects. Of a
        superuser only `Rights.hindered` is asked. `later` is the same with all that the plan makes and alters, before privileges
        change: what it gives to the role counts."""
        ...

    def edge_statements(self, changes: Sequence[EdgeChange]) -> Sequence[EdgeStatement]:
        """The fewest statements for all the changes, revokes first. Changes that differ only in object, grantee, privilege or
        column share one. Sorted input gives the same output in every process."""
        ...

    def owner_statements(self, changes: Sequence[OwnerChange]) -> Sequence[tuple[OwnerChange, Statement]]:
        """What gives each object its new owner, in the order in which it must run."""
        ...


Names = Callable[[str, str], str]
"""The key that an object, by (type, key), has after renames: the same where it is not renamed."""


@runtime_checkable
class Renamer(Protocol):
    """A provider with kinds that are `Renamable`, or whose specs name objects of such kinds."""

    def renamed(self, found: Found, names: Names) -> Found:
        """`found` with other names in its key, its spec and all else but its owner and its access list. What is recorded of an
        address comes in the same form, by kind, key and spec."""
        ...


@runtime_checkable
class Glossary(Protocol):
    """A provider that knows what others call its kinds."""

    @property
    def words(self) -> Mapping[str, str]:
        """By the name of a table that is no kind, what to write instead."""
        ...


__all__ = [
    "AccessList",
    "BlockWriter",
    "Catalog",
    "Claim",
    "Declaration",
    "Edge",
    "EdgeChange",
    "EdgeKind",
    "EdgeStatement",
    "Facts",
    "Found",
    "Glossary",
    "ImplyingReader",
    "InvalidBlockError",
    "IsThere",
    "Item",
    "Kind",
    "ListKind",
    "MadeApart",
    "Names",
    "NamesGrantees",
    "ObjectKind",
    "Outcome",
    "OwnerChange",
    "Provider",
    "Reader",
    "Reasons",
    "Reference",
    "Renamable",
    "Renamer",
    "Rights",
    "Row",
    "Scope",
    "SecretUse",
    "Selective",
    "Selector",
    "Snapshot",
    "Spec",
    "SpecOf",
    "Statement",
    "Surveyor",
    "TextFile",
    "Trying",
    "Wanted",
    "Whereabouts",
]
