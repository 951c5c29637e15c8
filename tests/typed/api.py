"""Uses the public API as a user would: type-checked against the wheel, never run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, assert_type

import httpx

from prov_facade import (
    APIOverrides,
    AuthManager,
    BearerToken,
    Config,
    ModelRunRecord,
    ProvAdminClient,
    ProvClient,
    SyncProvClient,
    connect,
    connect_sync,
    errors,
    models,
)


class Vault(AuthManager):
    """An auth manager written by a user."""

    def get_token(self) -> str:
        return "token"

    def force_refresh(self) -> None:
        return None


class Foreign:
    """An auth manager of another library."""

    def get_token(self) -> str:
        return "token"

    def force_refresh(self) -> None:
        return None

    def get_auth(self) -> httpx.BasicAuth:
        return httpx.BasicAuth("user", "password")


class Pydantic:
    """A model of another library, accepted by its shape."""

    def model_dump(
        self, *, mode: str = "python", include: object = None, exclude_none: bool = False
    ) -> dict[str, Any]:
        return {"mode": mode, "include": include, "exclude_none": exclude_none}


class PydanticV1:
    """A model of another library, accepted by the shape of pydantic 1."""

    def dict(
        self, *, include: object = None, by_alias: bool = False, exclude_none: bool = False
    ) -> Mapping[str, Any]:
        return {"include": include, "by_alias": by_alias, "exclude_none": exclude_none}


config = Config("provena.example.org", "provena", APIOverrides())
client = ProvClient(BearerToken(lambda: "token"), config, timeout=httpx.Timeout(5.0))
ProvClient(Vault(), config)
ProvClient(Foreign(), config)
ProvAdminClient(BearerToken("token"), config, limits=httpx.Limits(max_connections=5))
assert_type(connect(), ProvClient)
assert_type(connect("production", transport="aiohttp", timeout=60), ProvClient)
assert_type(connect_sync(token=lambda: "token", config_file=Path("config.toml")), SyncProvClient)
assert_type(connect_sync("test", transport=httpx.HTTPTransport(), proxy=None), SyncProvClient)


async def calls(record: ModelRunRecord, mapping: Mapping[str, Any]) -> None:
    async with client as entered:
        assert_type(entered, ProvClient)
        assert_type(await entered.get_health_check(), models.HealthCheckResponse)
    registered = await client.register_model_run(record, timeout=5)
    assert_type(registered, models.RegisterModelRunResponse)
    assert_type(registered.session_id, str | None)
    await client.register_model_run(mapping)
    await client.register_model_run(Pydantic())
    await client.register_model_run(PydanticV1())
    lineage = await client.explore_upstream("10378.1/1", depth=3)
    assert_type(lineage.graph, dict[str, Any] | None)
    assert_type(await client.generate_csv_template("10378.1/1"), str)
    report = models.GenerateReportRequest(
        id="10378.1/1", item_subtype=models.ItemSubType.STUDY, depth=1
    )
    assert_type(await client.generate_report(report), bytes)
    assert_type(await client.download_report(report, "a.docx", overwrite=True), Path)
    assert_type(await client.download_report(mapping, Path("a.docx")), Path)
    assert_type(await client.save_csv_template("10378.1/1", "a.csv", timeout=5), Path)
    assert_type(await client.save_csv_from_batch("7", "a.csv"), Path)
    converted = await client.convert_model_runs_file(Path("a.csv"))
    assert_type(converted, models.ConvertModelRunsResponse)
    assert_type(await client.admin.store_multiple_records([mapping]), models.StatusResponse)
    assert_type(await client.admin.trigger_sentry_debug(), dict[str, str] | None)


def mistakes(record: ModelRunRecord) -> None:
    client.register_model_run("record")  # type: ignore[arg-type, unused-coroutine]
    client.explore_upstream(5)  # type: ignore[arg-type, unused-coroutine]
    client.admin.clear_graph()  # type: ignore[call-arg, unused-coroutine]
    ProvClient("token", config)  # type: ignore[arg-type]
    connect(timout=5)  # type: ignore[call-arg]
    connect_sync(transport="aiohttp")  # type: ignore[arg-type]
    record.start_time = "now"  # type: ignore[assignment]


def caught(error: errors.ValidationFailedError, limited: errors.RateLimitedError) -> None:
    assert_type(error.errors, list[models.ValidationError])
    assert_type(error.status_code, int | None)
    assert_type(limited.retry_after, float | None)


def jobs(response: models.GetJobResponse, page: models.ListByBatchResponse) -> None:
    assert_type(response.job, models.JobStatusTable)
    assert_type(response.job.status, models.JobStatus)
    assert_type(response.job.job_sub_type, models.JobSubType)
    assert_type(response.job.result, dict[str, Any] | None)
    assert_type(page.jobs, list[models.JobStatusTable])
    assert_type(page.pagination_key, dict[str, Any] | None)
    models.ListByBatchRequest("7", pagination_key=page.pagination_key, limit=5)
    models.ListJobsRequest(limit="5")  # type: ignore[arg-type]
