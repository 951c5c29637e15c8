"""Runs Schemathesis against sandboxes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import api_document
import httpx
from attrs import asdict, field, frozen
from fuzz.collect import collect
from fuzz.jobs import JobsClient
from fuzz.status_counts import StatusCounts

from prov_facade.sandbox import Sandbox

_HERE = Path(__file__).resolve().parent
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


@frozen(kw_only=True)
class Run:
    """One run of Schemathesis: a document, tested against a new sandbox.

    Attributes:
        document: The document.
        prefix: The path of its server in the sandbox.
        report_style: How the sandbox responds to `generate_report`.
        only: The only operation to test; all operations by default.
        phases: The phases of Schemathesis.
        brief: Whether the short run includes it.
    """

    document: Path
    prefix: str = ""
    report_style: Literal["document", "job"] = "document"
    only: str | None = None
    phases: str = "examples,coverage,fuzzing,stateful"
    brief: bool = True

    def operation_ids(self) -> list[str]:
        """Return the ids of the tested operations."""
        if self.only is not None:
            return [self.only]
        return list(api_document.operations(api_document.load(self.document)))


# All operations, and both ways to create reports.
RUNS = {
    "prov-api": Run(document=api_document.DOCUMENT_PATH),
    "job-api": Run(document=api_document.JOB_DOCUMENT_PATH, prefix="/job-api"),
    "prov-api, reports in jobs": Run(
        document=api_document.DOCUMENT_PATH,
        report_style="job",
        only="generate_report",
        phases="examples,fuzzing",
        brief=False,
    ),
}


@frozen
class Outcome:
    """The outcome of a run.

    Attributes:
        failed: Whether Schemathesis found a failure, or failed itself.
        output: Its output, with a command that reproduces each failure.
        counts: The statuses of the responses of each operation.
        never_succeeded: The operations that never responded with a 2xx.
        unfinished_jobs: Jobs that did not finish.
    """

    failed: bool
    output: str = field(repr=False)
    counts: StatusCounts = field(repr=False)
    never_succeeded: list[str]
    unfinished_jobs: list[dict[str, Any]]


def execute(options: Sequence[str], folder: Path, *, brief: bool = False) -> Mapping[str, Outcome]:
    """Execute all runs concurrently.

    Args:
        options: Additional options of `schemathesis run`.
        folder: A folder for temporary files.
        brief: Whether to omit slow runs and phases.
    """
    parts = ["schemathesis.toml", *(["brief.toml"] if brief else [])]
    config = folder / "schemathesis.toml"
    config.write_text("".join((_HERE / part).read_text("utf-8") for part in parts), "utf-8")

    def one(item: tuple[str, Run]) -> tuple[str, Outcome]:
        name, run = item
        run_folder = folder / name
        run_folder.mkdir()
        return name, _execute(run, ["--config-file", str(config)], options, run_folder)

    wanted = [(name, run) for name, run in RUNS.items() if run.brief or not brief]
    with ThreadPoolExecutor(len(wanted)) as pool:
        return dict(pool.map(one, wanted))


def _execute(run: Run, config: Sequence[str], options: Sequence[str], folder: Path) -> Outcome:
    counts = StatusCounts(folder / "statuses.txt")
    # Parsing YAML takes seconds, JSON milliseconds.
    document = folder / f"{run.document.stem}.json"
    document.write_text(json.dumps(api_document.load(run.document)), encoding="utf-8")
    content = folder / "content.json"
    with Sandbox(report_style=run.report_style) as sandbox:
        token = sandbox.token("read", "write", "admin", expires_in=86400)
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.Client(headers=headers, trust_env=False) as client:
            content.write_text(json.dumps(asdict(collect(sandbox, client))), encoding="utf-8")
            only = [] if run.only is None else ["--include-operation-id", run.only]
            env = {k: v for k, v in os.environ.items() if k.upper() not in _PROXIES}
            path = os.pathsep.join([str(_HERE.parent), *filter(None, [env.get("PYTHONPATH")])])
            done = subprocess.run(
                [
                    *(sys.executable, "-m", "schemathesis.cli", "--no-color"),
                    *config,
                    *("run", str(document), "--url", sandbox.url + run.prefix),
                    *("--phases", run.phases),
                    *only,
                    *options,
                ],
                cwd=folder,
                env={
                    **env,
                    "PYTHONPATH": path,
                    "FUZZ_TOKEN": token,
                    "FUZZ_CONTENT": str(content),
                    "FUZZ_STATUSES": str(counts.path),
                },
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                check=False,
            )
            unfinished = JobsClient(sandbox, client, timeout=30).unfinished()
    return Outcome(
        # An error in a thread of Schemathesis ends the thread, but the exit status is still 0.
        failed=done.returncode != 0 or "Traceback (most recent call last)" in done.stdout,
        output=done.stdout,
        counts=counts,
        never_succeeded=counts.never_succeeded(run.operation_ids()),
        unfinished_jobs=unfinished,
    )
