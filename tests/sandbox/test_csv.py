"""The CSV files of bulk registration: their template, columns and lines."""

from __future__ import annotations

import csv
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sandbox.csv_files import (
    FILLED,
    HEADERS,
    ITEMS,
    RECORD,
    TEMPLATE,
    convert_text,
    csv_text,
    error_message,
    parse_rows,
    workflow_template,
)

from prov_facade.sandbox._state.csv_columns import CSVError
from prov_facade.sandbox._state.csv_reader import Converted
from prov_facade.sandbox._state.csv_writer import template
from prov_facade.sandbox._state.store import Store


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with Store() as store:
        store.put_items(ITEMS)
        yield store


def test_a_template_is_the_header_row(store: Store) -> None:
    assert parse_rows(template(store, TEMPLATE)) == [HEADERS]


def test_an_empty_template_has_only_the_general_columns(store: Store) -> None:
    expected = ["_workflow template id 10378.1/6", *HEADERS[1:8], *HEADERS[-4:]]
    assert parse_rows(template(store, "10378.1/6")) == [expected]


@pytest.mark.parametrize("unknown", ["10378.1/404", "10378.1/2", ""])
def test_only_workflow_templates_have_csv_templates(store: Store, unknown: str) -> None:
    with pytest.raises(CSVError, match=f"^Could not find workflow template with id {unknown}.$"):
        template(store, unknown)


def test_missing_dataset_templates_are_named(store: Store) -> None:
    with pytest.raises(CSVError, match=r"dataset template with id 10378\.1/404\.$"):
        template(store, "10378.1/7")


def test_dataset_templates_on_one_side_cannot_share_a_resource_key(store: Store) -> None:
    """The file would have duplicate columns, which the server does not create."""
    with pytest.raises(CSVError) as error:
        template(store, "10378.1/8")
    assert str(error.value) == (
        "The CSV template has duplicate headers: 'Input resource: boundary'."
    )
    assert error.value.status == 500


def test_cells_are_stripped(store: Store) -> None:
    row = {header: f"\n{cell}\t " for header, cell in FILLED.items()}
    assert convert_text(store, csv_text(row)).new_records == [RECORD]


@pytest.mark.parametrize("padded", [f" {HEADERS[1]}", f"{HEADERS[1]}\t"])
def test_headers_are_not_stripped(store: Store, padded: str) -> None:
    headers = [HEADERS[0], padded, *HEADERS[2:]]
    assert (
        error_message(store, csv_text(headers=headers))
        == "The CSV file lacks headers: display name."
    )


def test_columns_after_the_first_can_have_any_order(store: Store) -> None:
    text = csv_text(FILLED, headers=[HEADERS[0], *reversed(HEADERS[1:])])
    assert convert_text(store, text).new_records == [RECORD]


def test_each_unknown_column_is_a_warning(store: Store) -> None:
    headers = [*HEADERS[:3], "weather", *HEADERS[3:], " mood", ""]
    row = FILLED | {"weather": "fine", "": "?"}
    assert convert_text(store, csv_text(row, row, headers=headers)) == Converted(
        [RECORD, RECORD],
        [],
        [
            "Extra column with header 'weather' provided, ignoring",
            "Extra column with header ' mood' provided, ignoring",
            "Extra column with header '' provided, ignoring",
        ],
    )


def test_duplicate_columns_are_rejected(store: Store) -> None:
    text = ",".join([HEADERS[0], "study id", "agent id", " study id", "agent id", "", ""])
    assert error_message(store, text) == "The CSV file has duplicate headers: 'agent id', ''."


@pytest.mark.parametrize("missing", HEADERS[1:])
def test_all_columns_are_required(store: Store, missing: str) -> None:
    headers = [header for header in HEADERS if header != missing]
    text = csv_text(headers=headers) + "x"
    assert error_message(store, text) == f"The CSV file lacks headers: {missing}."


@pytest.mark.parametrize(
    "first",
    [
        "",
        "\n",
        "name",
        "_workflow template id",
        "workflow template id 10378.1/1",
        " _workflow template id 10378.1/1",
        "\ufeff_workflow template id 10378.1/1",
    ],
)
def test_the_first_column_must_name_a_workflow_template(store: Store, first: str) -> None:
    text = ",".join([first, *HEADERS[1:]]) if first.strip() else first
    expected = "The CSV file has no header that names the workflow template id."
    assert error_message(store, text) == expected


def test_the_workflow_template_must_exist(store: Store) -> None:
    text = "_workflow template id 10378.1/404,display name\n,run"
    assert error_message(store, text) == "Could not find workflow template with id 10378.1/404."


@pytest.mark.parametrize("below", ["", "\n\n", "\r\n"])
def test_files_without_rows_are_rejected(store: Store, below: str) -> None:
    assert error_message(store, csv_text() + below) == "The CSV file contains no rows."


def test_blank_lines_are_skipped_and_not_counted(store: Store) -> None:
    header, row = csv_text(FILLED).splitlines()
    text = "\n".join([header, "", row, "", "", row.replace("A hindcast.", "")])
    assert error_message(store, text) == "Row 2: description is empty."


@pytest.mark.parametrize(
    ("row", "cells"),
    [
        ("{row},1.5", 22),
        ("{row},", 22),  # like the server, which rejects any cell beyond the last column
        ("{row},,,,", 25),
        ("{short}", 20),
        (" ", 1),
        (",,,", 4),
    ],
)
def test_a_row_has_a_cell_for_each_column(store: Store, row: str, cells: int) -> None:
    header, filled = csv_text(FILLED).splitlines()
    last = row.format(row=filled, short=filled.removesuffix(","))
    message = error_message(store, f"{header}\n{filled}\n{last}\n")
    assert message == f"Row 2: has {cells} cells, but there are 21 columns."


def test_a_row_of_empty_cells_is_a_row(store: Store) -> None:
    """Spreadsheets keep its commas, and the server reports the missing values."""
    assert error_message(store, csv_text(FILLED, {})) == "Row 2: annotation: region is empty."


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines_can_end_in_lf_or_crlf(store: Store, end: str) -> None:
    text = csv_text(FILLED, FILLED).replace("\r\n", end)
    assert convert_text(store, text).new_records == [RECORD, RECORD]


def test_lines_cannot_end_in_cr(store: Store) -> None:
    text = csv_text(FILLED).replace("\r\n", "\r")
    assert error_message(store, text).startswith("Line 1 is not CSV: new-line character")


def test_an_unclosed_quote_makes_a_row_too_short(store: Store) -> None:
    header, row = csv_text(FILLED).splitlines()
    message = error_message(store, f'{header}\n{row}\n,"Flow\n{row}\n')
    assert message == "Row 2: has 2 cells, but there are 21 columns."


def test_a_cell_can_continue_after_its_quotes(store: Store) -> None:
    text = csv_text(FILLED).replace("A hindcast.", '"A" hindcast')
    (record,) = convert_text(store, text).new_records
    assert record.description == "A hindcast"


def test_large_cells_are_rejected(store: Store) -> None:
    text = csv_text(FILLED | {"description": "x" * (csv.field_size_limit() + 1)})
    assert error_message(store, text).startswith("Line 2 is not CSV: field larger than field limit")


@settings(derandomize=True, deadline=None, database=None, max_examples=50)
@given(text=st.text() | st.text(alphabet=',"\r\n\0 x').map(lambda rest: csv_text(FILLED) + rest))
def test_any_file_is_converted_or_rejected_with_a_reason(text: str) -> None:
    with Store() as store:
        store.put_items([workflow_template(TEMPLATE)])
        try:
            found = convert_text(store, text)
        except CSVError:
            return
        assert found.new_records or found.existing_records
