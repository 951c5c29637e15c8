"""Existing ids, records and CSV files for requests."""

from __future__ import annotations

from typing import Any

from attrs import frozen


@frozen
class Content:
    """The content of a sandbox.

    Attributes:
        items: The ids of the items, by subtype.
        records: Records that match their workflow templates.
        unlinked: The ids of model runs without a study.
        session_ids: The ids of jobs.
        batch_ids: The ids of batches.
        pagination_keys: Keys returned by the job-api.
        csv_files: Files with rows to convert.
    """

    items: dict[str, list[str]]
    records: list[dict[str, Any]]
    unlinked: list[str]
    session_ids: list[str]
    batch_ids: list[str]
    pagination_keys: list[dict[str, Any]]
    csv_files: list[str]
