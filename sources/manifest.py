"""Adapters as data: the manifest of a company's extract, validated, with its SQL and its digest.

Belongs here: the manifest's format, finding and reading an adapter's folder.
Does not belong here: reading the extract's files (readers, remote) and checking its rows (checks, landing).
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from sources.contracts import load_contract
from workspace.files import sha256_of_json
from workspace.settings import COMPANY_NAME

ADAPTERS = Path(__file__).parent / "adapters"
MACROS = Path(__file__).parent / "macros.sql"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,49}")


class AdapterError(ValueError):
    """The adapter itself is wrong: its manifest, its SQL, or what its SQL makes of the files."""


class NoAdapter(AdapterError):
    """There is no adapter of this name or in this folder."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Facts(_Model):
    """What holds for the whole extract; the SQL reads each as `getvariable('<name>')`.

    Attributes:
        country: ISO 3166-1 alpha-2 code.
        currency: ISO 4217 code of amounts that carry none.
        time_zone: IANA zone of the extract's local times.
        times: `utc`: the SQL gives UTC. `as_given`: local times are kept unshifted, which the notes explain.
    """

    country: str = Field(default="", pattern=r"^([A-Z]{2})?$")
    currency: str = Field(default="", pattern=r"^([A-Z]{3})?$")
    time_zone: str = "UTC"
    times: Literal["utc", "as_given"] = "utc"


class RawFile(_Model):
    """One logical input: all files that match `glob`, seen by the SQL as one table under the logical name.

    Attributes:
        glob: Pattern relative to the extract (or, with `origin: adapter`, to the adapter's folder).
        format: `csv`, `jsonl` (one JSON object a line), `parquet` or `sqlite`.
        columns: Columns that must be there. The others come along and are named in the landing's record.
        optional_columns: Columns that the SQL reads and that may be missing; they are null then.
        optional: The files may be absent; the table then has the listed columns and no rows.
        may_be_empty: A file without rows is accepted.
        delimiter, quote, encoding: Of `csv` (`encoding` also of `jsonl`); any encoding that Python knows.
        table: Of `sqlite`: the table to read.
        origin: Whether the files belong to the extract or to the adapter, such as a list of regions.
        due_hours: Hours after which something new is overdue; None where nothing is promised.
    """

    glob: str
    format: Literal["csv", "jsonl", "parquet", "sqlite"] = "csv"
    columns: tuple[str, ...] = Field(min_length=1)
    optional_columns: tuple[str, ...] = ()
    optional: bool = False
    may_be_empty: bool = False
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    quote: str = Field(default='"', min_length=1, max_length=1)
    encoding: str = "utf-8"
    table: str = ""
    origin: Literal["extract", "adapter"] = "extract"
    due_hours: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _table_goes_with_sqlite(self) -> Self:
        if (self.format == "sqlite") != bool(self.table):
            raise ValueError("`table` names the table of a `sqlite` file and belongs to that format only")
        return self


class SqlDatabase(_Model):
    """Tables of a database, read through dlt's `sql_database`.

    Attributes:
        url: SQLAlchemy URL. `{extract}` stands for the extract's folder, `{secret:NAME}` for a secret.
        tables: Logical name → table of the database.
        columns: Logical name → columns that must be there.
        may_be_empty: Tables without rows are accepted.
        due_hours: Hours after which something new in each of them is overdue.
    """

    kind: Literal["sql_database"]
    url: str
    db_schema: str = ""
    tables: dict[str, str] = Field(min_length=1)
    columns: dict[str, tuple[str, ...]] = {}
    may_be_empty: bool = False
    due_hours: float | None = Field(default=None, gt=0)

    @property
    def resources(self) -> dict[str, str]:
        """Logical name → name of the table."""
        return self.tables


class RestApi(_Model):
    """Resources of a REST API, read through dlt's `rest_api`.

    Attributes:
        config: dlt's own declarative `client`, `resource_defaults`, `resources`; texts may hold the same placeholders.
            The name of a resource is its logical name.
        columns: Logical name → columns that must be there.
        may_be_empty: Tables without rows are accepted.
        due_hours: Hours after which something new in each of them is overdue.
    """

    kind: Literal["rest_api"]
    config: dict[str, Any]
    columns: dict[str, tuple[str, ...]] = {}
    may_be_empty: bool = False
    due_hours: float | None = Field(default=None, gt=0)

    @property
    def resources(self) -> dict[str, str]:
        """Logical name → name of the resource, which are the same."""
        names = [r if isinstance(r, str) else str(r["name"]) for r in self.config.get("resources", [])]
        return dict(zip(names, names, strict=True))


class TableMapping(_Model):
    """How one contract table is made.

    Attributes:
        sql: File with one SELECT; `<table>.sql` when empty.
        from_: (`from` in the file) Inputs of which every row becomes exactly one row of the table. Landing proves it.
        derived_from: Inputs whose rows are grouped, split or filtered into rows of the table.
        by_file: Why every row follows from one file of those inputs, and from look-ups, alone. New files are then read
            and landed without the others. Landing proves it whenever it reads several files of an input at once.
        lookup_days: Look-up → days. A file that lands alone sees the files of the look-up that are dated, by their
            names, at most so many days apart from it; a new or corrected one lands anew just the files that see it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    sql: str = ""
    from_: tuple[str, ...] = Field(default=(), alias="from")
    derived_from: tuple[str, ...] = ()
    by_file: str = ""
    lookup_days: dict[str, Annotated[int, Field(ge=0)]] = {}

    @field_validator("from_", "derived_from", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if bool(self.from_) == bool(self.derived_from):
            raise ValueError("give either `from` (one row each) or `derived_from` (grouped, split or filtered rows)")
        return self

    @model_validator(mode="after")
    def _lookup_days_belong_to_files(self) -> Self:
        if self.lookup_days and not self.by_file:
            raise ValueError("`lookup_days` bounds what a single file sees: say `by_file`, and why")
        if both := sorted(set(self.lookup_days) & set(self.inputs)):
            raise ValueError(f"{', '.join(both)}: rows come from it, so it is no look-up; take it out of `lookup_days`")
        return self

    @property
    def inputs(self) -> tuple[str, ...]:
        """The inputs that the rows come from."""
        return self.from_ or self.derived_from


class Observation(_Model):
    """A question to the inputs that no check of single rows can answer.

    Attributes:
        sql: SELECT that gives `_source_file` and `_source_row` of every raw row that the message is true of.
        severity: `warning`: the rows are counted. `error`: any such row refuses the extract.
        remedy: What to do about it.
    """

    message: str
    sql: str
    severity: Literal["warning", "error"] = "warning"
    remedy: str = ""


@dataclass(frozen=True)
class Source:
    """Where an input comes from, and how often something new of it is promised.

    Attributes:
        place: A glob, or the table or resource that is asked for.
        kind: Format of the files, or kind of the loader.
        due_hours: Hours after which something new is overdue; None where nothing is promised.
    """

    place: str
    kind: str
    due_hours: float | None


class Manifest(_Model):
    """What `manifest.yaml` says. See docs/adapters.md."""

    name: str = Field(pattern=rf"^{_NAME.pattern}$")
    company: str = Field(default="", pattern=rf"^({COMPANY_NAME.pattern})?$")
    description: str = Field(min_length=1)
    facts: Facts = Facts()
    notes: tuple[str, ...] = ()
    files: dict[str, RawFile] = {}
    dlt: dict[str, Annotated[SqlDatabase | RestApi, Field(discriminator="kind")]] = {}
    tables: dict[str, TableMapping] = Field(min_length=1)
    observations: dict[str, Observation] = {}

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        inputs = [*self.files, *(name for source in self.dlt.values() for name in source.resources)]
        for name in inputs:
            if not _NAME.fullmatch(name):
                raise ValueError(f"input {name!r}: a logical name is a lower-case letter, then a-z, 0-9 and _")
            if inputs.count(name) > 1:
                raise ValueError(f"input {name!r} is defined twice; rename one")
        contract = load_contract()
        for table, mapping in self.tables.items():
            if table not in contract:
                raise ValueError(f"table {table!r} is not in the landing contract, which has {', '.join(contract)}")
            for name in mapping.inputs:
                if name not in inputs:
                    raise ValueError(f"table {table!r} names the input {name!r}, which is neither a file nor from dlt")
            for name in mapping.lookup_days:
                if name not in self.files:
                    raise ValueError(f"table {table!r} bounds the look-up {name!r}, which is not among the files")
        return self

    @property
    def sources(self) -> dict[str, Source]:
        """Input → what is known of its origin, for all that do not come with the adapter itself."""
        found = {
            name: Source(file.glob, file.format, file.due_hours)
            for name, file in self.files.items() if file.origin == "extract"
        }  # fmt: skip
        for loader in self.dlt.values():
            found |= {n: Source(r, loader.kind, loader.due_hours) for n, r in loader.resources.items()}
        return found

    def tables_from(self, name: str) -> tuple[str, ...]:
        """Tables whose rows come from an input."""
        return tuple(table for table, mapping in self.tables.items() if name in mapping.inputs)


@dataclass(frozen=True)
class Adapter:
    """A manifest with its folder, its SQL by contract table, and the digest of all that shapes rows."""

    manifest: Manifest
    folder: Path
    sql: dict[str, str]
    digest: str

    @property
    def name(self) -> str:
        """Name of the adapter."""
        return self.manifest.name


def list_adapters(root: Path = ADAPTERS) -> list[str]:
    """Names of the adapters that ship with the platform."""
    return sorted(path.parent.name for path in root.glob("*/manifest.yaml"))


def load_adapter(name_or_folder: str | Path) -> Adapter:
    """Read an adapter: one that ships, by name, or any folder with a `manifest.yaml`.

    Raises:
        NoAdapter: there is none.
        AdapterError: its manifest or SQL does not hold together.
    """
    folder = _find_folder(name_or_folder)
    manifest = _read_manifest(folder / "manifest.yaml")
    sql = {}
    for table, mapping in manifest.tables.items():
        path = folder / (mapping.sql or f"{table}.sql")
        if not path.is_file():
            raise AdapterError(f"{path}: the manifest maps {table!r} by this file, which is missing. Write its SELECT.")
        sql[table] = path.read_text(encoding="utf-8").strip().rstrip(";")
    policies = {"files": {"__all__": {"due_hours"}}, "dlt": {"__all__": {"due_hours"}}}  # shape no row
    shaping = [manifest.model_dump(mode="json", exclude=policies), sql, MACROS.read_text(encoding="utf-8")]
    return Adapter(manifest, folder, sql, sha256_of_json(shaping))


def _find_folder(name_or_folder: str | Path) -> Path:
    for folder in (ADAPTERS / name_or_folder, Path(name_or_folder)):
        if (folder / "manifest.yaml").is_file():
            return folder
    raise NoAdapter(
        f"No adapter {str(name_or_folder)!r}. There are: {', '.join(list_adapters())}; or give a folder that holds "
        f"a manifest.yaml (docs/adapters.md says how to write one)."
    )


def _read_manifest(path: Path) -> Manifest:
    try:
        return Manifest.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except yaml.YAMLError as error:
        raise AdapterError(f"{path} is not YAML: {error}") from error
    except ValidationError as error:
        faults = [f"  {'.'.join(map(str, e['loc'])) or 'manifest'}: {e['msg']}" for e in error.errors()]
        raise AdapterError("\n".join([f"{path} breaks the manifest's format (docs/adapters.md):", *faults])) from error
