"""The README's first command, in this process, where every exchange is checked."""

from __future__ import annotations

import asyncio
from pathlib import Path

import docx
import pytest

from examples import journey
from prov_facade_pytest import SharedSandbox

STEPS = [
    "Is the prov-api up?",
    "Who am I",
    "A CSV template to fill in",
    "Filled in and registered",
    "The file now contains",
    "Upstream of",
    "Downstream of the census",
    "A report of",
    "Updated",
    "Deleting it would",
    "A trial deletes nothing",
    "Invalid arguments are found before",
    "The error of a rejected request",
]


@pytest.mark.parametrize("links_key", ["links", "edges"])
def test_the_journey_shows_each_step(
    links_key: str,
    shared_sandbox: SharedSandbox,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    sandbox = shared_sandbox.get(links_key=links_key)
    before = {item.id for item in sandbox.items()}
    asyncio.run(journey.main(sandbox, tmp_path))
    output = capsys.readouterr().out

    new = {item.id: item for item in sandbox.items("MODEL_RUN") if item.id not in before}
    assert len(new) == 2
    steps = [line for line in output.splitlines() if line and not line.startswith(" ")]
    assert len(steps) == len(STEPS)
    assert all(step.startswith(start) for step, start in zip(steps, STEPS, strict=True)), steps
    (updated,) = [item for item in new.values() if item.display_name.endswith("third attempt")]
    assert updated.id in output
    assert "Deleting it would make these changes\n    " in output
    assert "1 x REMOVE_NODE" in output
    assert " x wasGeneratedBy" in output
    assert sandbox.token("read")[:20] not in output
    (report,) = tmp_path.glob("report-*.docx")
    text = "\n".join(line.text for line in docx.Document(str(report)).paragraphs)
    assert updated.id in text
