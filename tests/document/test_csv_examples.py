"""The CSV files among the examples have the columns of the server's files."""

from __future__ import annotations

import csv
import io
import re

import pytest
from api_document import example_value, operations

FIXED = [
    "display name",
    "description",
    "model version (optional)",
    "agent id",
    "study id",
    "execution start time (YYYY-MM-DD HH:MM:SS+HH:MM)",
    "execution end time (YYYY-MM-DD HH:MM:SS+HH:MM)",
]
LAST = ["_job_id", "_job_status", "_model_run_record_id", "_error_info"]
DATASETS = r"(?:{0} dataset id for template: .+ \[template id: .+\]\n(?:{0} resource: .+\n)*)"
MIDDLE = re.compile(
    DATASETS.format("Input") + "*" + DATASETS.format("Output") + r"*(?:annotation: .+\n)*"
)


def files() -> dict[str, str]:
    found = {}
    for operation_id in ("generate_csv_template", "regenerate_csv_from_model_run_batch"):
        response = operations()[operation_id].responses["200"]["content"]["text/csv"]
        for name, example in response["examples"].items():
            found[f"{operation_id}-{name}"] = example_value(example)
    body = operations()["convert_model_runs_to_csv"].request_body
    assert body is not None
    for name, example in body["content"]["multipart/form-data"]["examples"].items():
        found[f"convert_model_runs_to_csv-{name}"] = example_value(example)["csv_file"]
    return found


FILES = files()


@pytest.mark.parametrize("name", FILES)
def test_examples_have_the_columns_of_the_server(name: str) -> None:
    header, *rows = csv.reader(io.StringIO(FILES[name]))
    assert re.fullmatch(r"_workflow template id \S+", header[0])
    assert header[1:8] == FIXED
    assert MIDDLE.fullmatch("".join(f"{column}\n" for column in header[8:-4]))
    assert header[-4:] == LAST
    assert len(header) == len(set(header))
    assert {len(row) for row in rows} <= {len(header)}
    # A template contains only the header.
    assert bool(rows) is not name.startswith("generate_csv_template")


def test_only_failed_jobs_have_an_error() -> None:
    name = next(name for name in FILES if name.startswith("regenerate"))
    rows = list(csv.DictReader(io.StringIO(FILES[name])))
    assert {row["_job_status"] for row in rows} == {"SUCCEEDED", "FAILED"}
    for row in rows:
        assert bool(row["_error_info"]) is (row["_job_status"] == "FAILED")
        assert bool(row["_model_run_record_id"]) is (row["_job_status"] == "SUCCEEDED")
