"""The rooms of the house: who may look into whom, and who may use which tool.

Reads imports with `ast`, so that a lazy import inside a function counts as well.
"""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RANK = {
    "workspace": 0,
    "sources": 1,
    "twin": 1,
    "expectations": 2,
    "ml": 2,
    "decisions": 3,
    "dashboards": 4,
    "orchestration": 5,
}
#: Tool → the only rooms that may import it.
ONLY_IN = {"dagster": {"orchestration"}, "dagster_dbt": {"orchestration"}, "typer": {"orchestration"},
           "fastapi": {"dashboards", "decisions"}, "great_expectations": {"expectations"}, "mlflow": {"ml"},
           "dlt": {"sources"}}  # fmt: skip
MODULES = sorted(path for room in RANK for path in (ROOT / room).rglob("*.py"))
PACKAGES = [path for path in MODULES if path.name == "__init__.py"]


def imports_of(path: Path) -> Iterator[tuple[int, str]]:
    """Line and dotted name of every absolute import in a file; of `from a import b` both `a` and `a.b`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.relative_to(ROOT)}:{node.lineno} imports relatively; write the full name"
            yield node.lineno, node.module or ""
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def test_dependence_runs_downwards_only() -> None:
    offenders = []
    for path in MODULES:
        room = path.relative_to(ROOT).parts[0]
        for line, name in imports_of(path):
            other = name.split(".")[0]
            if other in RANK and other != room and RANK[other] >= RANK[room]:
                offenders.append(
                    f"{path.relative_to(ROOT)}:{line} imports {name}; {room} (rank {RANK[room]}) may only look below "
                    f"itself. Move what is shared to a room under both."
                )
    assert not offenders, "\n".join(offenders)


def test_no_module_reaches_itself_through_others() -> None:
    names = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in MODULES}
    looks_into = {module: {name for _, name in imports_of(path) if name in names} for module, path in names.items()}
    try:
        TopologicalSorter(looks_into).prepare()
    except CycleError as circle:
        pytest.fail(f"a circle of imports: {' <- '.join(circle.args[1])}; move what is shared into a module under both")


def test_ml_core_imports_nothing_of_ours_but_itself() -> None:
    offenders = [
        f"{path.relative_to(ROOT)}:{line} imports {name}; stores belong to ml/io, steps to ml/jobs"
        for path in sorted((ROOT / "ml" / "core").rglob("*.py"))
        for line, name in imports_of(path)
        if name.split(".")[0] in RANK and not name.startswith("ml.core")
    ]
    assert not offenders, "\n".join(offenders)


def test_ml_io_does_not_look_up_into_jobs() -> None:
    offenders = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in sorted((ROOT / "ml" / "io").rglob("*.py"))
        for line, name in imports_of(path)
        if name.startswith("ml.jobs")
    ]
    assert not offenders, "\n".join(offenders)


@pytest.mark.parametrize("tool", sorted(ONLY_IN))
def test_each_framework_stays_in_its_room(tool: str) -> None:
    offenders = [
        f"{path.relative_to(ROOT)}:{line} imports {name}; only {sorted(ONLY_IN[tool])} may"
        for path in MODULES
        for line, name in imports_of(path)
        if name.split(".")[0] == tool and path.relative_to(ROOT).parts[0] not in ONLY_IN[tool]
    ]
    assert not offenders, "\n".join(offenders)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_opens_with_its_charter(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), "no docstring that says what belongs here"


@pytest.mark.parametrize("path", PACKAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_packages_hold_only_their_charter(path: Path) -> None:
    body = ast.parse(path.read_text(encoding="utf-8")).body
    assert len(body) == 1, "re-exports hide where a name lives and make import cycles; import from the module itself"


def test_nothing_reads_the_environment_or_opens_files_at_import() -> None:
    offenders = []
    for path in MODULES:
        for node in _top_level_calls(ast.parse(path.read_text(encoding="utf-8"))):
            called = ast.unparse(node.func)
            if called in {"open", "os.getenv", "os.environ.get", "load_settings", "duckdb.connect"}:
                offenders.append(f"{path.relative_to(ROOT)}:{node.lineno} calls {called} at import")
    assert not offenders, "\n".join(offenders)


def _top_level_calls(tree: ast.Module) -> Iterator[ast.Call]:
    for statement in tree.body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.If)):
            continue
        yield from (node for node in ast.walk(statement) if isinstance(node, ast.Call))
