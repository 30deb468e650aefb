"""Which columns of a file of pairs are the ids."""

from pathlib import Path

import pytest

from ml.io.match_tables import read_pairs


@pytest.mark.parametrize(
    "header",
    [
        "left,right", "unique_id_l,source_dataset_l,unique_id_r,source_dataset_r,clerical_match_score",
        "dataset_1,rec_id_1,dataset_2,rec_id_2,label", "ltable_id,rtable_id,label",
    ],
)  # fmt: skip
def test_ids_are_found_under_the_usual_headers(header: str, tmp_path: Path) -> None:
    names = header.split(",")
    values = {"left": "a", "right": "b", "unique_id_l": "a", "unique_id_r": "b", "rec_id_1": "a", "rec_id_2": "b",
              "ltable_id": "a", "rtable_id": "b", "label": "1", "clerical_match_score": "1.0"}  # fmt: skip
    file = tmp_path / "truth.csv"
    file.write_text(f"{header}\n{','.join(values.get(name, 'x') for name in names)}\n", encoding="utf-8")
    assert read_pairs(file).true == [("a", "b")]
