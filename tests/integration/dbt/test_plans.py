"""How DuckDB means to run the models: no join of two tables by equal columns compares every row with every row."""

import json
from collections.abc import Iterator
from typing import Any

from tests.support.dbt_company import Company


def operators(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan["children"]:
        yield from operators(child)


def test_no_equal_join_compares_every_row_with_every_row(whole: Company) -> None:
    whole.dbt("compile")
    models = [n for n in whole.manifest["nodes"].values() if n["resource_type"] == "model" and n.get("compiled_code")]
    slow = []
    with whole.connect(read_only=True) as connection:
        for model in models:
            [(_, text)] = connection.execute(f"explain (format json) {model['compiled_code']}").fetchall()
            for operator in operators(json.loads(text)[0]):
                condition = str(operator["extra_info"].get("Condition", ""))
                if operator["name"].strip() == "BLOCKWISE_NL_JOIN" and " = " in condition:
                    slow.append((model["name"], condition))
    assert len(models) > 40
    assert slow == []
