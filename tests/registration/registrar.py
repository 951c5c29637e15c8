"""Registers model runs with either client, and checks the results."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from collections import Counter
from collections.abc import AsyncIterable, Iterable, Iterator, Sequence
from contextlib import aclosing, closing
from pathlib import Path
from typing import Any, ClassVar, Literal

from attrs import field, frozen
from starlette.middleware import Middleware

from job_api_client.models import JobStatusTable
from prov_facade import (
    BulkProgress,
    BulkResult,
    Config,
    CSVRegistration,
    PollPolicy,
    ProvClient,
    ProvError,
    RetryPolicy,
    SupportsAuth,
    SyncProvClient,
)
from prov_facade._registration.manifest import Manifest
from prov_facade.sandbox import Sandbox

Kind = Literal["async", "sync"]
KINDS: tuple[Kind, ...] = ("async", "sync")
SEED = Path(__file__).with_name("seed.yaml")
QUICK = PollPolicy(interval=0.005, max_interval=0.1, deadline=60)


def record(number: int, **changes: Any) -> dict[str, Any]:
    """The smallest record that the seed allows, with a given name."""
    return {
        "workflow_template_id": "test/template",
        "inputs": [],
        "outputs": [],
        "display_name": f"Run {number}",
        "description": "The currents.",
        "associations": {"modeller_id": "test/person"},
        "start_time": 1_767_225_600,
        "end_time": 1_767_229_200,
        **changes,
    }


def records(count: int, first: int = 0) -> Iterator[dict[str, Any]]:
    return map(record, range(first, first + count))


@frozen
class Run:
    """The results of a registration, and its error."""

    results: list[BulkResult]
    error: BaseException | None
    progress: list[BulkProgress] = field(factory=list)

    @property
    def handles(self) -> dict[int, str | None]:
        return {result.index: result.handle for result in self.results}

    @property
    def errors(self) -> dict[int, ProvError]:
        """The errors of the records that were not registered, by their indexes."""
        found = {one.index: one.error for one in self.results if one.error is not None}
        assert len(found) == sum(one.error is not None for one in self.results)
        return found

    def all_registered(self, count: int) -> Run:
        """Check that this number of records was registered, with one result each."""
        assert self.error is None, self.error
        assert self.errors == {}
        assert sorted(result.index for result in self.results) == list(range(count))
        assert all(result.handle and result.session_id for result in self.results)
        return self


@frozen
class Registrar:
    """Registers with one kind of client.

    Attributes:
        kind: The kind of client.
        config: The deployment.
        auth: The user.
        polling: How to wait for jobs, unless a call overrides it.
        client: Further arguments for the client.
    """

    kind: Kind
    config: Config
    auth: SupportsAuth
    polling: PollPolicy = QUICK
    client: dict[str, Any] = field(factory=dict)

    @property
    def _client_settings(self) -> dict[str, Any]:
        defaults = {"retries": RetryPolicy.none(), "timeout": 30, "polling": self.polling}
        return {**defaults, **self.client}

    def many(
        self,
        given: Iterable[Any] | AsyncIterable[Any],
        manifest: Path | None = None,
        *,
        stop: int | None = None,
        **options: Any,
    ) -> Run:
        """Register records, and close the generator after a number of results."""
        results: list[BulkResult] = []
        progress: list[BulkProgress] = []
        how = {
            "manifest": manifest,
            "on_progress": progress.append,
            "recovery_timeout": 0.2,
            **options,
        }
        error = None
        try:
            if self.kind == "async":
                asyncio.run(self._async(given, results, stop, how))
            else:
                self._sync(given, results, stop, how)
        except (ProvError, OSError, ArithmeticError) as caught:
            error = caught
        return Run(results, error, progress)

    async def _async(
        self, given: Any, results: list[BulkResult], stop: int | None, how: dict[str, Any]
    ) -> None:
        async with (
            ProvClient(self.auth, self.config, **self._client_settings) as client,
            aclosing(client.register_many(given, **how)) as registrar,
        ):
            async for result in registrar:
                results.append(result)
                if len(results) == stop:
                    break

    def _sync(
        self, given: Any, results: list[BulkResult], stop: int | None, how: dict[str, Any]
    ) -> None:
        with (
            SyncProvClient(self.auth, self.config, **self._client_settings) as client,
            closing(client.register_many(given, **how)) as registrar,
        ):
            results.extend(itertools.islice(registrar, stop))

    def csv(self, path: Path | str, **options: Any) -> CSVRegistration:
        """Register the model runs of a CSV file."""
        how = {"recovery_timeout": 0.2, **options}
        if self.kind == "sync":
            with SyncProvClient(self.auth, self.config, **self._client_settings) as client:
                return client.register_csv(path, **how)

        async def registrar() -> CSVRegistration:
            async with ProvClient(self.auth, self.config, **self._client_settings) as client:
                return await client.register_csv(path, **how)

        return asyncio.run(registrar())


class Unchecked(Sandbox):
    """A sandbox that does not check its responses, which is slow for many requests."""

    _middleware: ClassVar[Sequence[Middleware]] = ()


def registrar_for(kind: Kind, sandbox: Sandbox, **how: Any) -> Registrar:
    """A registrar whose user has read and write access."""
    return Registrar(kind, sandbox.config, sandbox.auth("read", "write"), **how)


def jobs_of(sandbox: Sandbox) -> list[JobStatusTable]:
    """All jobs of the default user."""
    with SyncProvClient(sandbox.auth("read", "write"), sandbox.config) as client:
        return list(client.jobs.list(page_size=500))


def registered_names(sandbox: Sandbox) -> Counter[str]:
    """How often a model run of each name is registered."""
    return Counter(item.display_name for item in sandbox.items("MODEL_RUN"))


def submitted_names(sandbox: Sandbox) -> Counter[str]:
    """How often the server has accepted a record of each name in a batch."""
    return Counter(
        one["display_name"]
        for job in jobs_of(sandbox)
        if job.job_sub_type == "MODEL_RUN_BATCH_SUBMIT"
        for one in job.payload["records"]
    )


def assert_registered_once(sandbox: Sandbox, run: Run, names: Iterable[str]) -> None:
    """Check that each record is registered once, and has its own handle in the results."""
    expected = Counter(names)
    assert registered_names(sandbox) == expected
    assert submitted_names(sandbox) == expected
    by_handle = {item.id: item.display_name for item in sandbox.items("MODEL_RUN")}
    by_result = {one.handle: one.record["display_name"] for one in run.results if one.handle}
    assert by_result == by_handle


def names(count: int) -> list[str]:
    """The names of the first ``count`` records."""
    return [one["display_name"] for one in records(count)]


def execute(manifest: Path, *statements: str) -> list[Any]:
    """Execute SQL statements on a manifest, and return the rows of the last one."""
    with closing(sqlite3.connect(manifest)) as connection, connection:
        return [connection.execute(statement).fetchall() for statement in statements][-1]


def alter(manifest: Path, *statements: str) -> None:
    """Change a manifest with SQL statements, and make its checksums valid again."""
    execute(manifest, *statements)
    ((prov_api,),) = execute(manifest, "SELECT prov_api FROM deployment")
    with Manifest(manifest, prov_api) as opened, opened._transaction() as run:
        for (number,) in run("SELECT number FROM chunks").fetchall():
            opened._sealed(number)


def forget_outcomes(manifest: Path) -> None:
    """Reset a manifest to the state in which its chunks were submitted and had no outcomes."""
    alter(
        manifest,
        "UPDATE records SET session_id = NULL, handle = NULL, error = NULL, error_kind = NULL",
        "UPDATE chunks SET state = CASE WHEN number IN (SELECT chunk FROM submissions)"
        " THEN 'submitted' ELSE 'not submitted' END",
    )
