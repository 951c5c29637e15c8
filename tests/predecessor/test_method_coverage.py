"""Every method of the predecessor that the sandbox supports is tested."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from predecessor.provena import MARKS, clients, modules

pytestmark = MARKS

# Routes of the job-api that are not in its document, and that the sandbox does not serve.
NOT_SERVED = {"get_health_check"}


def methods(kind: Any) -> set[str]:
    return {
        name
        for name, member in vars(kind).items()
        if not name.startswith("_") and inspect.isfunction(member)
    }


def used(*files: str) -> Iterator[str]:
    for file in files:
        tree = ast.parse(Path(__file__).with_name(file).read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                yield node.attr


def admin_of(kind: Any) -> Any:
    module: Any = inspect.getmodule(kind)
    return module.ProvAdminClient if kind is clients.ProvClient else module.ProvAPIAdminSubModule


@pytest.mark.parametrize(
    ("kind", "file"),
    [(clients.ProvClient, "test_prov_client.py"), (modules.Prov, "test_prov_module.py")],
)
def test_every_prov_api_method_is_tested(kind: Any, file: str) -> None:
    wanted = methods(kind) | methods(admin_of(kind))
    assert len(wanted) > 15
    # Both files run the lineage queries in lineage.py.
    assert wanted - set(used(file, "lineage.py")) == set()


@pytest.mark.parametrize("kind", [clients.JobAPIClient, modules.JobService])
def test_every_job_api_method_is_tested(kind: Any) -> None:
    assert methods(kind) - set(used("test_jobs.py")) == NOT_SERVED
