"""The evidence pack: one folder and zip of everything about a version, in English and Chinese, for people outside.

Belongs here: gathering the parts, what each page says, naming what is missing. Does not belong here: the words
(ml/jobs/pack_texts), checking a pack (ml/jobs/pack_proof, which lies in it).

Layout: `<reports>/evidence/<model>-<version>/` and the same as `.zip`. `SHA256SUMS` lists every file.
"""

import json
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ml.core.benefits import shown
from ml.core.lifecycle import Version
from ml.io.stores import ModelStores, open_stores
from ml.io.version_files import FAIRNESS
from ml.jobs import pack_proof
from ml.jobs.catalogue import LATE_DELIVERY, ModelSpec
from ml.jobs.gating import gates_table
from ml.jobs.pack_texts import ANNEX_IV, LANGUAGES, TEXTS
from ml.jobs.train import CARD, EVALUATION
from workspace.files import sha256_of_file, write_atomically
from workspace.settings import Settings

EPOCH = (1980, 1, 1, 0, 0, 0)


class NothingToPack(RuntimeError):
    """There is no such version, or it has no dossier yet."""


@dataclass(frozen=True)
class Pack:
    """An evidence pack. `missing` names the parts that ought to be there and are not, in English."""

    folder: Path
    archive: Path
    files: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """What the pages are filled from."""

    spec: ModelSpec
    version: Version
    dossier: Mapping[str, Any]
    evaluation: Mapping[str, Any]
    fairness: Mapping[str, Any]
    head: str


@dataclass(frozen=True)
class PackJob:
    """Gather the evidence about a version."""

    version: str
    spec: ModelSpec = LATE_DELIVERY

    def run(self, settings: Settings) -> Pack:
        """Write the pack anew.

        Raises:
            NothingToPack: the ledger knows no such version, or it was never proposed.
            DossierBroken: its dossier is gone or was changed.
        """
        folder = settings.paths.reports / "evidence" / f"{self.spec.name}-{self.version}"
        with open_stores(settings) as stores:
            facts = self._facts(stores)
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            _write(folder / "dossier.json", facts.dossier)
            _write(folder / "ledger.json", stores.promotions.excerpt(self.spec.name, self.version))
            self._copy(stores, settings, folder, facts)
        shutil.copy(Path(pack_proof.__file__), folder / "verify.py")
        missing = _write_pages(folder, facts)
        files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
        sums = "".join(f"{sha256_of_file(folder / name)}  {name}\n" for name in files)
        write_atomically(folder / "SHA256SUMS", sums)
        return Pack(folder, _zipped(folder, [*files, "SHA256SUMS"]), (*files, "SHA256SUMS"), missing)

    def _facts(self, stores: ModelStores) -> Facts:
        found = stores.promotions.history(self.spec.name).version(self.version)
        if found.dossier is None:
            raise NothingToPack(
                f"{self.spec.name}/{self.version} is {found.state or 'unknown'} and has no dossier; propose it first."
            )
        reports = stores.report_folder(self.spec.name, self.version)
        newest = stores.promotions.newest()
        return Facts(self.spec, found, stores.promotions.dossier(found.dossier), _read(reports / EVALUATION),
                     _read(reports / FAIRNESS), newest.hash if newest else "")  # fmt: skip

    def _copy(self, stores: ModelStores, settings: Settings, folder: Path, facts: Facts) -> None:
        reports = stores.report_folder(self.spec.name, self.version)
        for name in (CARD, EVALUATION):
            if (reports / name).is_file():
                shutil.copy(reports / name, folder / name)
        if (reports / "plots").is_dir():
            shutil.copytree(reports / "plots", folder / "plots")
        page = settings.paths.reports / str(facts.fairness.get("page", ""))
        if facts.fairness and page.is_file():
            for language in LANGUAGES:
                shutil.copy(page.with_name(f"report.{language}.html"), folder / f"fairness.{language}.html")


def _write_pages(folder: Path, facts: Facts) -> tuple[str, ...]:
    """Write the pages of both languages; returns what is missing."""
    for language in LANGUAGES:
        write_atomically(folder / f"data_sheet.{language}.md", _data_sheet(facts, TEXTS[language]))
        write_atomically(folder / f"impact.{language}.md", _impact(facts, TEXTS[language]))
        write_atomically(folder / f"annex.{language}.md", _annex(folder, language))
        write_atomically(folder / f"index.{language}.md", _index(folder, facts, language))
    return _missing(folder, "en")


def _data_sheet(facts: Facts, t: Mapping[str, str]) -> str:
    made = "\n".join(f"- {name}: `{value}`" for name, value in facts.dossier["made_from"].items())
    judged = facts.evaluation.get("judged", {})
    read = ", ".join(f"`{name}`" for name, _ in facts.evaluation.get("features", [])) or t["is_missing"]
    left_out = "\n".join(f"- `{name}`: {why}" for name, why in facts.evaluation.get("left_out", {}).items()) or "-"
    checks = next((gate["reason"] for gate in facts.dossier["gates"] if gate["name"] == "data_checks"), t["is_missing"])
    return f"""# {t["sheet"]}: {facts.spec.table}

## {t["sheet_source"]}
{made}

- {t["sheet_rows"]}: {judged.get("rows", t["is_missing"])}, {t["sheet_positive"]}: {judged.get("positives", "-")}

## {t["sheet_read"]}
{read}

## {t["sheet_left_out"]}
{left_out}

## {t["sheet_checks"]}
{checks}

## {t["sheet_privacy"]}
{facts.dossier["privacy"]}
"""


def _impact(facts: Facts, t: Mapping[str, str]) -> str:
    fairness, known = facts.fairness, f"{t['fairness']}: {t['is_missing']}."
    if fairness:
        known = t["risk_known"].format(measure=fairness["measure"], group=fairness["worst_group"],
                                       gap=fairness["worst_gap"], verdict=fairness["verdict"])  # fmt: skip
    oversight = t["oversight_known"].format(
        authors=", ".join(sorted(facts.version.authors)), approver=facts.version.approved_by or t["nobody"]
    )
    regions = ", ".join(str(row["group"]) for row in fairness.get("by_group", [])) or t["is_missing"]
    return f"""# {t["assessment"]}

{t["draft"]}

## {t["purpose"]}
{facts.spec.title}. {facts.spec.group_use}

## {t["affected"]}
{regions}

{t["affected_ask"]}

## {t["risk"]}
{known}

{t["risk_ask"]}

## {t["benefits"]}
{_benefits(facts, t)}

## {t["gates"]}
{gates_table(facts.dossier["gates"], (t["gate"], t["verdict"], t["why"]))}

## {t["oversight"]}
{oversight}

{t["oversight_ask"]}
"""


def _benefits(facts: Facts, t: Mapping[str, str]) -> str:
    """What the version said in shadow would change; missing where it said nothing."""
    found = (facts.dossier.get("shadow") or {}).get("benefits", [])
    lines = [t["benefits_heads"], "|---|---|---|---|---|---|"]
    for benefit in found:
        sides = " | ".join(shown(benefit))
        lines.append(f"| {t[benefit['measure']]} | {t[benefit['basis']]} | {benefit['orders']:,} | {sides} |")
    return "\n".join(lines) if found else f"**{t['is_missing']}**"


def _annex(folder: Path, language: str) -> str:
    t = TEXTS[language]
    lines = [f"# {t['annex']}", "", f"| {t['point']} | | {t['where']} |", "|---|---|---|"]
    for point, english, chinese, parts in ANNEX_IV:
        found = [name for part in parts for name in _names(folder, part, language)]
        shown = ", ".join(f"[{name}]({name})" for name in found) or f"**{t['is_missing']}**"
        lines.append(f"| {point} | {english if language == 'en' else chinese} | {shown} |")
    return "\n".join(lines) + "\n"


def _index(folder: Path, facts: Facts, language: str) -> str:
    t = TEXTS[language]
    made = t["made"].format(at=f"{datetime.now(UTC):%Y-%m-%d %H:%M}", head=facts.head[:16], state=facts.version.state,
                            dossier=facts.version.dossier)  # fmt: skip
    rows = []
    for part in PARTS:
        shown = ", ".join(f"[{name}]({name})" for name in _names(folder, part, language))
        rows.append(f"| {shown or '**' + t['is_missing'] + '**'} | {t[part]} |")
    missing = "\n".join(f"- {what}" for what in _missing(folder, language)) or t["nothing"]
    return (
        f"# {t['index'].format(model=facts.spec.name, version=facts.version.version)}\n\n{made} {t['check']}\n\n"
        f"## {t['files']}\n\n| {t['file']} | {t['what']} |\n|---|---|\n" + "\n".join(rows) +
        f"\n\n## {t['missing']}\n\n{missing}\n"
    )  # fmt: skip


#: What a pack consists of: a file, or the stem of one file a language.
PARTS = ("dossier.json", "ledger.json", "verify.py", CARD, EVALUATION, "data_sheet", "fairness", "impact", "annex")


def _names(folder: Path, part: str, language: str) -> list[str]:
    """Files of a part that are there, in one language; pages of the pack itself are always made."""
    if part in ("data_sheet", "impact", "annex"):
        return [f"{part}.{language}.md"]
    name = f"{part}.{language}.html" if part == "fairness" else part
    return [name] if (folder / name).is_file() else []


def _missing(folder: Path, language: str) -> tuple[str, ...]:
    t = TEXTS[language]
    parts = [t[part] for part in PARTS if not _names(folder, part, language)]
    points = [
        f"{t['point']} {point}: {english if language == 'en' else chinese}"
        for point, english, chinese, parts_of in ANNEX_IV
        if not any(_names(folder, part, language) for part in parts_of)
    ]
    return (*parts, *points)


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found


def _write(path: Path, value: Mapping[str, Any]) -> None:
    write_atomically(path, json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n")


def _zipped(folder: Path, names: list[str]) -> Path:
    """The folder as a zip whose bytes depend on its files alone."""
    archive = folder.with_name(f"{folder.name}.zip")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as pack:
        for name in names:
            pack.writestr(zipfile.ZipInfo(f"{folder.name}/{name}", EPOCH), (folder / name).read_bytes())
    return archive


def as_dict(pack: Pack) -> dict[str, Any]:
    """JSON form."""
    return {**asdict(pack), "folder": str(pack.folder), "archive": str(pack.archive)}
