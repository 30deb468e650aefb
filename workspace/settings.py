"""The one settings model, and where each store of a company lies.

Belongs here: every value that a deployment may set, with its default and its range, and the layout of the home folder.
Does not belong here: parameters of a model, a solver or the twin; they are frozen models of their own rooms.

A *home* (`OI_HOME`, default `.oi/`) holds one folder a *company*. Landing an extract of another company never mixes
with what is there: it gets its own folder and becomes the current one (`oi use NAME` goes back).
"""

import json
import os
import re
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from workspace.files import write_atomically

DEFAULT_COMPANY = "demo"
COMPANY_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")

#: Switches that keep every tool of the stack from calling home. The entry points set them for child processes.
QUIET_ENVIRONMENT = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "DAGSTER_DISABLE_TELEMETRY": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "RUNTIME__DLTHUB_TELEMETRY": "false",
}


class UnknownCompany(ValueError):
    """The company's name is not one that can be a folder and a database schema."""


class Settings(BaseSettings):
    """What a deployment may set, by environment (`OI_` prefix) or by argument.

    Attributes:
        home: Folder that holds everything the platform writes.
        company: Company to work on. Empty: the current one of the home, else `demo`.
        threads: Threads of DuckDB and of the solvers.
        memory_limit: DuckDB's memory limit; beyond it DuckDB spills.
        slice_orders: Landed orders that are built at a time when all days are; two million take 4 GB.
        spill_folder: Where it spills, such as a fast local disk; a folder a company is made in it. Unset: in the home.
        writer_wait_seconds: How long a second writer waits for the warehouse before it is refused.
        matching_backend: Where records are compared: `duckdb` in this process, or `spark` (extra `spark`, Java).
        keep_snapshots: Published snapshots kept beside the current one.
        confidence_threshold: Lowest certified confidence at which a decision is executed without a person.
        minimum_support: Fewest rows at which a group's rate is judged in an audit.
        mlflow_tracking_uri: Empty: SQLite in the company's folder.
        ledger_url: SQLAlchemy URL of the ledgers. Empty: SQLite in the company's folder.
        notifier: Where run failures are told: `log`, or `webhook` together with `notifier_url`.
        notifier_url: Address that receives a JSON message when `notifier` is `webhook`.
        console_anonymous: What somebody who has not signed in to the console may do: look (`viewer`) or nothing.
        console_origin: Where browsers reach the console when a proxy stands before it, such as
            `https://orders.example.com`. Empty: `http://` and the loopback name that was asked for.
        oidc_issuer: Issuer of an OpenID Connect provider that people may sign in with. Empty: none.
        oidc_client_id, oidc_client_secret: How the console is registered there; no secret for a public client.
        oidc_name_claim: Claim that holds a person's name in the user store.
        console_port, dagster_port, mlflow_port: Loopback ports of `make up`.
    """

    model_config = SettingsConfigDict(env_prefix="OI_", extra="forbid", frozen=True)

    home: Path = Path(".oi")
    company: str = ""
    threads: int = Field(default=2, ge=1, le=256)
    memory_limit: str = Field(default="4GB", pattern=r"^\d+(\.\d+)?(KB|MB|GB|TB)$")
    slice_orders: int = Field(default=2_000_000, ge=1)
    spill_folder: Path | None = None
    writer_wait_seconds: float = Field(default=60.0, ge=0)
    matching_backend: Literal["duckdb", "spark"] = "duckdb"
    keep_snapshots: int = Field(default=3, ge=0)
    confidence_threshold: float = Field(default=0.85, ge=0.5, le=1.0)
    minimum_support: int = Field(default=100, ge=1)
    mlflow_tracking_uri: str = ""
    ledger_url: str = ""
    notifier: Literal["log", "webhook"] = "log"
    notifier_url: str = ""
    console_anonymous: Literal["viewer", "none"] = "viewer"
    console_origin: str = Field(default="", pattern=r"^(https?://[^/\s]+)?$")
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr = SecretStr("")
    oidc_name_claim: str = "email"
    console_port: int = Field(default=8400, ge=1, le=65535)
    dagster_port: int = Field(default=3000, ge=1, le=65535)
    mlflow_port: int = Field(default=5000, ge=1, le=65535)

    @field_validator("home", "spill_folder")
    @classmethod
    def _absolute(cls, folder: Path | None) -> Path | None:
        return folder.expanduser().absolute() if folder else None

    @field_validator("company")
    @classmethod
    def _nameable(cls, company: str) -> str:
        if company and not COMPANY_NAME.fullmatch(company):
            raise UnknownCompany(
                f"A company's name is a lower-case letter, then up to 39 of a-z, 0-9 and _; got {company!r}. Rename it."
            )
        return company

    @property
    def paths(self) -> "CompanyPaths":
        """Paths of the company that these settings work on."""
        return CompanyPaths(self.home, self.company or current_company(self.home), self.spill_folder)


class CompanyPaths:
    """Where each store of one company lies. Creates nothing; `ensure()` does."""

    def __init__(self, home: Path, company: str, spill_folder: Path | None = None) -> None:
        self.home = home
        self.company = company
        self.root = home / company
        self.extracts = self.root / "extracts"
        self.landing = self.root / "landing"
        self.quarantine = self.root / "quarantine"
        self.landing_files = self.root / "landing_files"
        self.matching = self.root / "matching"
        self.warehouse = self.root / "warehouse.duckdb"
        self.warehouse_lock = self.root / "warehouse.lock"
        self.landing_lock = self.root / "landing.lock"
        self.spill = spill_folder / company if spill_folder else self.root / "spill"
        self.published = self.root / "published"
        self.predictions = self.root / "predictions"
        self.shadow = self.root / "shadow"
        self.forecasts = self.root / "forecasts"
        self.plans = self.root / "plans"
        self.reports = self.root / "reports"
        self.validations = self.root / "validations"
        self.dbt_target = self.root / "dbt_target"
        self.dagster = self.root / "dagster"
        self.mlflow = self.root / "mlflow"
        self.ledger = self.root / "ledger.sqlite"
        self.ledger_head = self.root / "ledger.head"
        self.truth = self.root / "truth"

    def ensure(self) -> "CompanyPaths":
        """Create the folders that writers expect; returns itself."""
        for folder in (self.landing, self.quarantine, self.landing_files, self.matching, self.spill, self.published,
                       self.predictions, self.reports, self.validations, self.dagster, self.mlflow):  # fmt: skip
            folder.mkdir(parents=True, exist_ok=True)
        return self

    def mlflow_tracking_uri(self, settings: Settings) -> str:
        """Tracking store of MLflow: the configured one, else SQLite in the company's folder."""
        return settings.mlflow_tracking_uri or f"sqlite:///{self.mlflow / 'mlflow.db'}"

    def ledger_url(self, settings: Settings) -> str:
        """SQLAlchemy URL of the ledgers: the configured one, else SQLite in the company's folder."""
        return settings.ledger_url or f"sqlite:///{self.ledger}"


def current_company(home: Path) -> str:
    """The company that the home was last switched to, else `demo`."""
    pointer = home / "current.json"
    if not pointer.exists():
        return DEFAULT_COMPANY
    return str(json.loads(pointer.read_text(encoding="utf-8"))["company"])


def use_company(settings: Settings, company: str) -> Settings:
    """Make `company` the current one of the home; returns settings that work on it."""
    switched = Settings(**{**settings.model_dump(), "company": company})
    write_atomically(settings.home / "current.json", json.dumps({"company": company}))
    return switched


def load_settings(**overrides: object) -> Settings:
    """Settings from the environment, with overrides from the caller (a test, the command line, a notebook)."""
    return Settings(**overrides)  # type: ignore[arg-type]  # pydantic validates the values


def quiet_environment(environment: dict[str, str] | None = None) -> dict[str, str]:
    """A copy of the environment in which no tool of the stack calls home and Python caches its bytecode."""
    quiet = dict(os.environ if environment is None else environment)
    quiet.update(QUIET_ENVIRONMENT)
    quiet.pop("PYTHONDONTWRITEBYTECODE", None)
    return quiet
