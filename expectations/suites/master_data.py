"""What must hold for unified master data: one golden record a code, no orphan, no cluster that swallowed strangers.

Belongs here: quality of matching and survivorship. Does not belong here: column types and single-table keys of the
marts (dbt_project), or the matching itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from expectations.checks import (
    Between,
    Check,
    HasColumns,
    HasRows,
    LearnedMeasure,
    Matches,
    NoGroup,
    NotNull,
    Reference,
    Suite,
    UniqueKey,
)  # fmt: skip


@dataclass(frozen=True)
class Entity:
    """One kind of golden record.

    Attributes:
        name: Singular, as in `<name>_id` and `<name>_code`.
        plural: As in `dim_<plural>`, `xref_<plural>`, `stg_<plural>`.
        is_required: Whether a company without any cannot be worked for.
        usual_records: Most source records that one real thing plausibly has; more is a warning.
        possible_records: More than this is not one real thing: a default phone number or an empty key matched all.
    """

    name: str
    plural: str
    is_required: bool
    usual_records: int
    possible_records: int


#: Marketplaces open a customer record an order, so a loyal customer has dozens; products and nodes have one a system.
ENTITIES = (
    Entity("customer", "customers", True, 50, 1_000),
    Entity("product", "products", False, 20, 200),
    Entity("warehouse", "warehouses", False, 20, 100),
)


def suite() -> Suite:
    """The master-data suite."""
    return Suite(
        boundary="master_data",
        title="Golden records and cross-references",
        checks=(*(check for entity in ENTITIES for check in _checks_of(entity)), *_contact_checks()),
        identity={
            table: columns
            for e in ENTITIES
            for table, columns in {
                f"xref_{e.plural}": ("source_system", f"{e.name}_code", f"{e.name}_id", "match_rule"),
                f"dim_{e.plural}": (f"{e.name}_id", "count_records"),
            }.items()
        },
        absent={"xref_products": "capability product_master is off", "xref_warehouses": "capability routing is off"},
    )


def _checks_of(entity: Entity) -> Iterator[Check]:
    yield from _xref_checks(entity)
    yield from _dim_checks(entity)


def _xref_checks(entity: Entity) -> Iterator[Check]:
    stg, xref, dim = f"stg_{entity.plural}", f"xref_{entity.plural}", f"dim_{entity.plural}"
    code, golden = f"{entity.name}_code", f"{entity.name}_id"
    if entity.is_required:
        yield Check(f"{xref}.rows", xref, HasRows(), "error", f"Orders cannot be joined without {entity.plural}.")
    yield Check(
        f"{xref}.columns", xref, HasColumns(("source_system", code, golden, "match_rule")), "error",
        "Every mart joins through these columns.",
    )  # fmt: skip
    yield Check(
        f"{xref}.code_once", xref, UniqueKey(("source_system", code)), "error",
        "A code that leads to two golden records doubles every order that carries it.",
    )  # fmt: skip
    yield Check(f"{xref}.golden_filled", xref, NotNull(golden), "error", "A code that leads nowhere loses its orders.")
    yield Check(
        f"{xref}.rule_filled", xref, NotNull("match_rule"), "warning", "A link without its rule cannot be judged."
    )
    yield Check(
        f"{xref}.no_orphan", xref, Reference((golden,), dim, (golden,)), "error",
        f"A cross-reference to a {entity.name} that is not there drops its orders from joins.", needs=(dim,),
    )  # fmt: skip
    uncovered = (
        f"select s.source_system, count(*) as count_records from {stg} s anti join {{batch}} x "
        f"on s.source_system = x.source_system and s.{code} = x.{code} group by all"
    )
    yield Check(
        f"{xref}.covers", xref,
        NoGroup(uncovered, f"every record of {stg} is here", ("source_system", code), "source system"), "error",
        f"A {entity.name} record without cross-reference is lost to every mart.", needs=(stg,),
    )  # fmt: skip
    yield Check(
        f"{xref}.match_ratio", xref,
        LearnedMeasure(
            "source records for each golden record", f"count(*) / count(distinct {golden})", at_least_relative=0.1,
            columns=(golden,),
        ),
        "warning", "A jump says that a matching rule began to merge strangers, or stopped to merge twins.",
    )  # fmt: skip


def _dim_checks(entity: Entity) -> Iterator[Check]:
    xref, dim, golden = f"xref_{entity.plural}", f"dim_{entity.plural}", f"{entity.name}_id"
    yield Check(
        f"{dim}.columns", dim, HasColumns((golden, "count_records")), "error", "Marts and pages read these columns."
    )
    yield Check(
        f"{dim}.golden_once", dim, UniqueKey((golden,)), "error", f"Two golden records of one {entity.name} double it."
    )
    yield Check(
        f"{dim}.has_source", dim, Reference((golden,), xref, (golden,)), "error",
        "A golden record without any source record is invented.", needs=(xref,),
    )  # fmt: skip
    yield Check(
        f"{dim}.cluster_possible", dim, Between("count_records", 1, entity.possible_records), "error",
        f"So many records are not one {entity.name}: a default value or an empty key matched strangers.",
    )  # fmt: skip
    yield Check(
        f"{dim}.cluster_usual", dim, Between("count_records", 1, entity.usual_records), "warning",
        f"Large clusters are where strangers get merged; a steward should look at this {entity.name}.",
    )  # fmt: skip
    counts = (
        f"select d.{golden}, d.count_records, x.count_codes from (select {golden}, count_records from {{batch}}) d, "
        f"(select {golden}, count(*) as count_codes from {xref} group by all) x "
        f"where d.{golden} = x.{golden} and d.count_records <> x.count_codes"
    )
    yield Check(
        f"{dim}.records_add_up", dim,
        NoGroup(counts, f"count_records equals its codes in {xref}", (golden, "count_records"), "golden record"),
        "error",
        "A count that differs from its cross-reference means that one of the two is of another run.", needs=(xref,),
    )  # fmt: skip


def _contact_checks() -> Iterator[Check]:
    yield Check(
        "dim_customers.email_shape", "dim_customers", Matches("email", r"^[^@\s]+@[^@\s]+\.[^@\s]+$"), "warning",
        "A golden e-mail that is no address reaches nobody and is a poor key to match on.",
    )  # fmt: skip
    shared = (
        "select lower(email) as email, count(*) as count_customers from {batch} where email is not null "
        "group by all having count(*) > 1"
    )
    yield Check(
        "dim_customers.email_shared", "dim_customers",
        NoGroup(shared, "no e-mail stands in two golden records", ("email",), "e-mail"), "warning",
        "Golden customers that share an e-mail are one person that matching missed, or a household to tell apart.",
    )  # fmt: skip
