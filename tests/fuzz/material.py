"""Existing ids, records and CSV files for requests."""

from __future__ import annotations

from typing import Any

from attrs import frozen


@frozen
class Material:
    """The content of a sandbox.

    Attributes:
        items: The ids of the items, by subtype.
        records: Records that fulfil their workflow templates.
        unlinked: The ids of model runs that belong to no study.
        session_ids: The ids of jobs.
        batch_ids: The ids of batches.
        pagination_keys: Keys that the job-api gave out.
        csv_files: Files with rows to convert.
    """

    items: dict[str, list[str]]
    records: list[dict[str, Any]]
    unlinked: list[str]
    session_ids: list[str]
    batch_ids: list[str]
    pagination_keys: list[dict[str, Any]]
    csv_files: list[str]
