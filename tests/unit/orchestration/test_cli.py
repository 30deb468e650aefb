import json
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.cli.main import COMMANDS, main
from orchestration.cli.printing import format_cell
from workspace.settings import Settings, use_company

OI = Path(sys.executable).parent / "oi"
HEAVY = {"dagster", "mlflow", "great_expectations", "pandas", "sklearn", "duckdb", "fastapi", "numba", "dlt"}


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [OI, *arguments], capture_output=True, text=True, check=False, env={"PATH": "", **environment}
    )


def test_help_names_every_command_without_heavy_imports() -> None:
    code = "import sys; from orchestration.cli.main import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    code += "print(sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert [name for name in COMMANDS if name not in done.stdout] == []
    assert HEAVY & set(done.stderr.replace("'", "").strip("[]\n").split(", ")) == set()


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert "Usage" in capsys.readouterr().out


def test_wrong_usage_ends_with_code_2() -> None:
    assert run("no-such-command").returncode == 2
    assert run("run", "no-such-job").returncode == 2


def test_a_known_error_is_one_message_and_a_code(tmp_path: Path) -> None:
    done = run("use", "nowhere", OI_HOME=str(tmp_path))
    assert done.returncode == 2
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stderr


def test_companies_are_listed_and_switched(tmp_path: Path) -> None:
    for company in ("acme", "zeta"):
        Settings(home=tmp_path, company=company).paths.ensure()
    use_company(Settings(home=tmp_path), "acme")
    assert run("use", "zeta", OI_HOME=str(tmp_path)).returncode == 0
    listed = json.loads(run("use", "--json", OI_HOME=str(tmp_path)).stdout)
    assert (listed["current"], listed["companies"]) == ("zeta", ["acme", "zeta"])


def test_markup_in_data_stays_text() -> None:
    assert format_cell("[red]x[/red]") == "\\[red]x\\[/red]"
