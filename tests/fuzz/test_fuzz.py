"""A short, deterministic run of Schemathesis. `nox -s fuzz` makes a longer, random one."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from fuzz.runs import RUNS, Outcome, execute

pytestmark = pytest.mark.stress

_BRIEF = [name for name, run in RUNS.items() if run.brief]
_OPTIONS = ["--max-examples", "3", "--generation-deterministic"]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Outcome]:
    return execute(_OPTIONS, tmp_path_factory.mktemp("fuzz"), brief=True)


@pytest.mark.parametrize("run", _BRIEF)
def test_every_response_conforms_to_its_document(outcomes: Mapping[str, Outcome], run: str) -> None:
    assert not outcomes[run].failed, outcomes[run].output


@pytest.mark.parametrize("run", _BRIEF)
def test_every_operation_succeeds_at_least_once(outcomes: Mapping[str, Outcome], run: str) -> None:
    assert outcomes[run].never_succeeded == [], outcomes[run].counts.table()


@pytest.mark.parametrize("run", _BRIEF)
def test_every_job_finishes(outcomes: Mapping[str, Outcome], run: str) -> None:
    assert outcomes[run].unfinished_jobs == []
