"""A generated company that the tests of this folder read; nobody writes into it."""

from pathlib import Path

import pytest

from twin.generate import GenerationReport, generate
from twin.parameters import load_preset


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> GenerationReport:
    """The demo company over 42 days: extracts in `extracts`, truth in `truth`."""
    root: Path = tmp_path_factory.mktemp("company")
    return generate(load_preset("demo", days=42), root / "extracts", root / "truth")
