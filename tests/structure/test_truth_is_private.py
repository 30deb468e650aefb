"""The twin's truth is for tests, benchmarks and the twin itself: whoever else reads it would grade its own homework."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("workspace", "sources", "expectations", "ml", "decisions", "dashboards", "orchestration")
#: The layout that names the folder, and the command that is asked for it.
MAY_NAME_IT = {"workspace/settings.py", "orchestration/cli/twin.py"}
#: Modules of the twin that read or write the truth.
KEEPERS = {"twin.truth", "twin.score"}


def offences(path: Path) -> list[str]:
    """Where a module names a `.truth` attribute, a path with such a part, or a module that keeps the truth."""
    name = path.relative_to(ROOT).as_posix()
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.Attribute) and node.attr == "truth":
            found.append(f"{name}:{line} names `.truth`")
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.split("/")[-1] == "truth":
            found.append(f"{name}:{line} spells a path of the truth")
        if isinstance(node, ast.ImportFrom) and node.module in KEEPERS:
            found.append(f"{name}:{line} imports {node.module}")
    return found


def test_no_pipeline_code_reads_the_truth() -> None:
    modules = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
    assert len(modules) > 30
    assert offences(ROOT / "orchestration" / "cli" / "twin.py"), "the reader of imports finds what is there"
    guilty = [
        f"{offence}; only tests, benchmarks and `oi twin` may"
        for path in modules
        if path.relative_to(ROOT).as_posix() not in MAY_NAME_IT
        for offence in offences(path)
    ]
    assert not guilty, "\n".join(guilty)


def test_no_query_reads_the_truth() -> None:
    queries = [
        *(ROOT / "dbt_project").rglob("*.sql"),
        *(ROOT / "sources").rglob("*.sql"),
        *(ROOT / "sources").rglob("*.yaml"),
    ]
    assert queries
    guilty = [str(path.relative_to(ROOT)) for path in queries if "truth/" in path.read_text(encoding="utf-8")]
    assert not guilty, f"these read the twin's truth: {guilty}"


def test_the_extract_holds_nothing_of_the_truth() -> None:
    """The adapter maps no file that the truth writes."""
    manifest = (ROOT / "sources" / "adapters" / "demo" / "manifest.yaml").read_text(encoding="utf-8")
    assert "truth" not in manifest
