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
from fuzz.gathering import gather
from fuzz.jobs import JobsClient
from fuzz.reached import Reached

from prov_facade.sandbox import Sandbox

_HERE = Path(__file__).resolve().parent
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


@frozen(kw_only=True)
class Run:
    """One run of Schemathesis: a document, tested against a new sandbox.

    Attributes:
        document: The document.
        prefix: Where in the sandbox its server is.
        report_style: How the sandbox responds to `generate_report`.
        only: The one operation to test; every one by default.
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


# Every operation, and both ways to create reports.
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
        found: Whether Schemathesis found a failure, or failed itself.
        output: Its output, with a command that repeats each failure.
        reached: The statuses of the responses of each operation.
        not_succeeded: The operations that never responded with a 2xx.
        unended: Jobs that did not end.
    """

    found: bool
    output: str = field(repr=False)
    reached: Reached = field(repr=False)
    not_succeeded: list[str]
    unended: list[dict[str, Any]]


def execute(options: Sequence[str], folder: Path, *, brief: bool = False) -> Mapping[str, Outcome]:
    """Execute all runs concurrently.

    Args:
        options: Further options of `schemathesis run`.
        folder: A folder for temporary files.
        brief: Omit what takes long.
    """
    parts = ["schemathesis.toml", *(["brief.toml"] if brief else [])]
    config = folder / "schemathesis.toml"
    config.write_text("".join((_HERE / part).read_text("utf-8") for part in parts), "utf-8")

    def one(item: tuple[str, Run]) -> tuple[str, Outcome]:
        name, run = item
        own = folder / name
        own.mkdir()
        return name, _execute(run, ["--config-file", str(config)], options, own)

    wanted = [(name, run) for name, run in RUNS.items() if run.brief or not brief]
    with ThreadPoolExecutor(len(wanted)) as pool:
        return dict(pool.map(one, wanted))


def _execute(run: Run, general: Sequence[str], options: Sequence[str], folder: Path) -> Outcome:
    reached = Reached(folder / "reached.txt")
    # Parsing YAML takes seconds, JSON milliseconds.
    document = folder / f"{run.document.stem}.json"
    document.write_text(json.dumps(api_document.load(run.document)), encoding="utf-8")
    material = folder / "material.json"
    with Sandbox(report_style=run.report_style) as sandbox:
        token = sandbox.token("read", "write", "admin", expires_in=86400)
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.Client(headers=headers, trust_env=False) as client:
            material.write_text(json.dumps(asdict(gather(sandbox, client))), encoding="utf-8")
            only = [] if run.only is None else ["--include-operation-id", run.only]
            clean = {k: v for k, v in os.environ.items() if k.upper() not in _PROXIES}
            path = os.pathsep.join([str(_HERE.parent), *filter(None, [clean.get("PYTHONPATH")])])
            done = subprocess.run(
                [
                    *(sys.executable, "-m", "schemathesis.cli", "--no-color"),
                    *general,
                    *("run", str(document), "--url", sandbox.url + run.prefix),
                    *("--phases", run.phases),
                    *only,
                    *options,
                ],
                cwd=folder,
                env={
                    **clean,
                    "PYTHONPATH": path,
                    "FUZZ_TOKEN": token,
                    "FUZZ_MATERIAL": str(material),
                    "FUZZ_REACHED": str(reached.path),
                },
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                check=False,
            )
            unended = JobsClient(sandbox, client, patience=30).unended()
    return Outcome(
        # An error in a thread of Schemathesis ends the thread, but the exit status is still 0.
        found=done.returncode != 0 or "Traceback (most recent call last)" in done.stdout,
        output=done.stdout,
        reached=reached,
        not_succeeded=reached.never_succeeded(run.operation_ids()),
        unended=unended,
    )
