"""`oi match` on files, as a stranger runs it."""

import json
from pathlib import Path

import polars as pl
import pytest

from orchestration.cli.main import main


@pytest.fixture
def shops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two shops of eighty cameras each, whose columns have other names."""
    monkeypatch.setenv("OI_HOME", str(tmp_path / "home"))
    numbers = range(80)
    model = [f"cx{100 + 7 * n}{'abcd'[n % 4]}" for n in numbers]
    pl.DataFrame({
        "asin": [f"A{n}" for n in numbers],
        "Product Name": [f"Canon camera {m} {8 + n % 9} mp" for n, m in enumerate(model)],
    }).write_csv(tmp_path / "left.csv")  # fmt: skip
    pl.DataFrame({
        "sku": [f"S{n}" for n in numbers], "headline": [f"{m} digital camera by Canon" for m in model],
        "cost": [str(90 + n) for n in numbers],
    }).write_csv(tmp_path / "right.csv", separator="|")  # fmt: skip
    pairs = [
        {"l": f"A{n}", "r": f"S{(n + shift) % 80}", "label": int(not shift)} for n in numbers for shift in (0, 1, 2)
    ]
    pl.DataFrame(pairs).write_csv(tmp_path / "pairs.csv")
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["match", *arguments])
    assert ended.value.code in (0, None)
    return capsys.readouterr().out


def test_evaluate_teach_and_evaluate_again(shops: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tables = ("--entity", "product", "--left", str(shops / "left.csv"), "--right", str(shops / "right.csv"),
              "--columns", "title=headline")  # fmt: skip
    judged = ("--truth", str(shops / "pairs.csv"), "--out", str(shops / "links.csv"))
    found = json.loads(run(capsys, "evaluate", *tables, *judged, "--json"))
    assert found["taught_by"] == "codes"
    assert found["f1"] > 0.95
    assert {"precision", "recall", "f1", "threshold", "over_thresholds"} <= set(found)
    assert pl.read_csv(shops / "links.csv").height == found["links"]

    taught = json.loads(run(capsys, "train", *tables, "--pairs", str(shops / "pairs.csv"), "--json"))
    assert (taught["pairs"], taught["same"]) == (240, 80)
    assert json.loads(run(capsys, "evaluate", *tables, *judged, "--json"))["taught_by"] == "labels"
    shown = run(capsys, "evaluate", *tables, *judged, "--untaught")
    assert "Over thresholds" in shown
    assert "taught by 80 pairs" in shown


def test_a_table_without_titles_says_how_to_map_one(shops: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["match", "evaluate", "--entity", "product", "--left", str(shops / "right.csv")])
    assert ended.value.code == 1
    assert "Map its columns with --columns" in capsys.readouterr().err


def test_customers_of_two_files_are_linked_under_the_usual_column_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OI_HOME", str(tmp_path / "home"))
    given, family = ["Ada", "Grace", "Alan", "Edsger", "Barbara"], ["Lovelace", "Hopper", "Turing", "Liskov"]
    people = [
        {"given_name": g, "surname": f, "date_of_birth": f"19{10 + 7 * n % 80}-0{1 + n % 9}-1{n % 9}",
         "phone_number": f"0170 55{1000 + 37 * n}", "postcode": f"{10000 + 91 * n}"}
        for n, (g, f) in enumerate((g, f) for g in given for f in family)
    ]  # fmt: skip
    pl.DataFrame([{"rec_id": f"L{n}", **person} for n, person in enumerate(people)]).write_csv(tmp_path / "left.csv")
    moved = [{**person, "postcode": "99999", "surname": person["surname"] + "e"} for person in people]
    pl.DataFrame([{"rec_id": f"R{n}", **person} for n, person in enumerate(moved)]).write_parquet(
        tmp_path / "right.parquet"
    )
    pl.DataFrame({"a": [f"L{n}" for n in range(20)], "b": [f"R{n}" for n in range(20)]}).write_csv(
        tmp_path / "truth.csv"
    )
    found = json.loads(run(
        capsys, "evaluate", "--entity", "customer", "--left", str(tmp_path / "left.csv"), "--right",
        str(tmp_path / "right.parquet"), "--truth", str(tmp_path / "truth.csv"), "--out", str(tmp_path / "links.csv"),
        "--json",
    ))  # fmt: skip
    assert found["f1"] == 1.0
    assert found["taught_by"] == "table"
    assert {"phone", "date_of_birth", "postal_code"} <= set(found["columns"])
    assert pl.read_csv(tmp_path / "links.csv").height == 20


def test_warehouses_of_one_file_are_brought_together_by_name_or_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OI_HOME", str(tmp_path / "home"))
    nodes = [
        ("erp-1", "erp", "Hamburg Port", "Kai 7", "53.541", "9.984"), ("wms-1", "wms", "HH-P", "Kai 7", "", ""),
        ("erp-2", "erp", "Hamburg Ost", "Ring 2", "53.560", "10.120"), ("wms-2", "wms", "Hamburg Ost", "", "", ""),
    ]  # fmt: skip
    header = ("warehouse_code", "source", "warehouse_name", "address", "lat", "lon")
    pl.DataFrame(nodes, schema=list(header), orient="row").with_columns(zip=pl.lit("20457")).write_csv(
        tmp_path / "nodes.csv"
    )
    pl.DataFrame({"a": ["erp-1", "erp-2"], "b": ["wms-1", "wms-2"]}).write_csv(tmp_path / "truth.csv")
    found = json.loads(run(
        capsys, "evaluate", "--entity", "warehouse", "--left", str(tmp_path / "nodes.csv"), "--truth",
        str(tmp_path / "truth.csv"), "--out", str(tmp_path / "links.csv"), "--json",
    ))  # fmt: skip
    assert (found["precision"], found["recall"]) == (1.0, 1.0)


@pytest.mark.parametrize("header", ["colour", "full_name"])
def test_a_table_that_names_nobody_is_refused_with_the_remedy(
    header: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OI_HOME", str(tmp_path / "home"))
    pl.DataFrame({"id": ["1", "2"], header: ["", ""] if header == "full_name" else ["red", "blue"]}).write_csv(
        tmp_path / "table.csv"
    )
    with pytest.raises(SystemExit) as ended:
        main(["match", "evaluate", "--entity", "customer", "--left", str(tmp_path / "table.csv")])
    assert ended.value.code == 1
    assert "Map its columns with --columns" in capsys.readouterr().err


@pytest.fixture
def names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A list of names alone: thirty rare ones that are there twice, and common ones that several people have."""
    monkeypatch.setenv("OI_HOME", str(tmp_path / "home"))
    rare = [f"{chr(65 + n % 26)}{n % 100}a Schmott{n}meier" for n in range(400)]
    # Twelve given names with each of four family names, once; and eight of these again, which are other people.
    common = [f"{chr(65 + n % 12)}{n % 12}a {('Smith', 'Jones', 'Hill', 'Moor')[n // 12 % 4]}" for n in range(56)]
    pl.DataFrame({"name": [*rare, *rare[:30], *common]}).with_row_index("id").write_csv(tmp_path / "names.csv")
    pl.DataFrame({"a": range(30), "b": range(400, 430)}).write_csv(tmp_path / "truth.csv")
    return tmp_path


def test_of_names_alone_rare_ones_are_linked_and_the_rest_is_told(
    names: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("--entity", "customer", "--left", str(names / "names.csv"), "--truth", str(names / "truth.csv"),
             "--out", str(names / "links.csv"))  # fmt: skip
    found = json.loads(run(capsys, "evaluate", *asked, "--json"))
    assert (found["precision"], found["recall"]) == (1.0, 1.0)
    assert found["zones"]["queue"] > 0, "namesakes go to a person"
    assert "Known of a record: full_name. That does not tell one person twice from two namesakes." in found["notes"][0]
    shown = " ".join(run(capsys, "evaluate", *asked).split())
    assert "add or map one of person_code, date_of_birth, email, phone." in shown


def test_where_nothing_is_linked_the_reason_and_the_missing_columns_are_told(
    names: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    people = [f"{('Anna', 'Max', 'Eva', 'Jo')[n % 4]} {('Smith', 'Jones', 'Hill')[n % 3]}" for n in range(600)]
    pl.DataFrame({"id": range(600), "name": people}).write_csv(names / "common.csv")
    links = names / "none.csv"
    shown = run(capsys, "evaluate", "--entity", "customer", "--left", str(names / "common.csv"), "--out", str(links))
    said = " ".join(shown.split())
    assert "Nothing is linked: no two records share a rare enough value of what was compared" in said
    assert "Not found: person_code, given_name, surname, date_of_birth, email, phone" in said
    assert "map yours with --columns" in said
    assert pl.read_csv(links).height == 0


@pytest.mark.real_data
def test_febrl_by_names_and_towns_alone_is_linked_with_few_errors(
    real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OI_HOME", str(tmp_path / "home"))
    table = pl.read_csv(real_data / "matching" / "customers" / "dataset1.csv", infer_schema=False)
    table = table.rename({column: column.strip() for column in table.columns})
    table.select("rec_id", "given_name", "surname", "suburb").write_csv(tmp_path / "people.csv")
    ids = table.select(id="rec_id", person=pl.col("rec_id").str.extract(r"rec-(\d+)-"))
    both = ids.join(ids, on="person").filter(pl.col("id") < pl.col("id_right"))
    both.select("id", "id_right").write_csv(tmp_path / "truth.csv")
    found = json.loads(run(
        capsys, "evaluate", "--entity", "customer", "--left", str(tmp_path / "people.csv"), "--truth",
        str(tmp_path / "truth.csv"), "--out", str(tmp_path / "links.csv"), "--json",
    ))  # fmt: skip
    assert found["precision"] >= 0.98
    assert found["f1"] >= 0.8


@pytest.mark.real_data
@pytest.mark.parametrize("number", [1, 2, 3])
def test_febrl_is_solved_by_the_defaults(
    number: int, real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OI_HOME", str(tmp_path / "home"))
    table = real_data / "matching" / "customers" / f"dataset{number}.csv"
    ids = pl.read_csv(table, infer_schema=False).select(id=pl.first()).with_columns(
        person=pl.col("id").str.extract(r"rec-(\d+)-")
    )  # fmt: skip
    both = ids.join(ids, on="person").filter(pl.col("id") < pl.col("id_right"))
    both.select("id", "id_right").write_csv(tmp_path / "truth.csv")
    found = json.loads(run(
        capsys, "evaluate", "--entity", "customer", "--left", str(table), "--truth", str(tmp_path / "truth.csv"),
        "--out", str(tmp_path / "links.csv"), "--json",
    ))  # fmt: skip
    assert found["f1"] >= 0.97


CRM = ("CustomerID", "Full Name", "E-Mail", "Tel.", "PLZ")
SHOP = ("kunde", "vorname", "nachname", "mail_address", "handy", "zip code")


@pytest.fixture
def schemas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Eighty people in a CSV file and, under other names and in other columns, in a Parquet file with floating ids."""
    monkeypatch.setenv("OI_HOME", str(tmp_path / "home"))
    given, family = ["Ada", "Grace", "Alan", "Edsger"], ["Loveson", "Loveby", "Hopson", "Hopby", "Turson", "Turby"]
    who = [(given[n % 4], f"{family[n % 6]}{'abcdefgh'[n // 12]}", f"p.{n}@mail.example", 5_550_000 + 13 * n,
            10_000 + 7 * n) for n in range(80)]  # fmt: skip
    crm = [(1000 + n, f"{g} {f}", mail, f"+49 170 {line}", code) for n, (g, f, mail, line, code) in enumerate(who)]
    shop = [(float(n), g, f, mail if n % 3 else None, f"0170{line}", code)
            for n, (g, f, mail, line, code) in enumerate(who)]  # fmt: skip
    pl.DataFrame(crm, schema=CRM, orient="row").write_csv(tmp_path / "crm.csv", separator=";")
    pl.DataFrame(shop, schema=SHOP, orient="row").write_parquet(tmp_path / "shop.parquet")
    return tmp_path


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("ltable_id,rtable_id", "{a},{b}"),
        ("_id,ltable_id,rtable_id,label", "9{a},{a},{b},1"),
        ("id_left;name_left;id_right;name_right", " {a} ;x;{b};y"),
        ("crm,shop", "{a}.0,{b}.0"),
        ("shop,crm", "{b},{a}"),
    ],
    ids=["two ids", "a number of its own", "names beside, blanks", "floating", "turned round"],
)
def test_two_schemas_and_a_truth_under_any_usual_header(
    header: str, row: str, schemas: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [header, *(row.format(a=1000 + n, b=n) for n in range(80))]
    (schemas / "truth.csv").write_text("\n".join(lines), encoding="utf-8")
    found = json.loads(run(
        capsys, "evaluate", "--entity", "customer", "--left", str(schemas / "crm.csv"), "--right",
        str(schemas / "shop.parquet"), "--columns", "record_id=kunde", "--truth", str(schemas / "truth.csv"), "--out",
        str(schemas / "links.csv"), "--json",
    ))  # fmt: skip
    assert (found["unknown_true_pairs"], found["true"]) == (0, 80)
    assert found["f1"] > 0.97


def test_tables_that_share_nothing_are_told_with_their_columns(
    schemas: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pl.DataFrame({"id": ["1", "2"], "e_mail": ["a@b.cn", "c@d.cn"]}).write_csv(schemas / "mails.csv")
    pl.DataFrame({"id": ["1", "2"], "Contact": ["Ada", "Alan"], "mobile": ["0170555111", "0170555222"]}).write_csv(
        schemas / "lines.csv"
    )
    with pytest.raises(SystemExit) as ended:
        main(["match", "evaluate", "--entity", "customer", "--left", str(schemas / "mails.csv"), "--right",
              str(schemas / "lines.csv")])  # fmt: skip
    assert ended.value.code == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "no column in common" in said
    assert "lines.csv has id, Contact, mobile. Ours are source_system" in said
