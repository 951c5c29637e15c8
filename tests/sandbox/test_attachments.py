"""File responses have a file name that does not depend on the request."""

from __future__ import annotations

from pathlib import Path

import pytest
from sandbox import http

from prov_facade.sandbox import Sandbox

SEED = """
items:
  - {id: model, item_subtype: MODEL, display_name: M, version: "1",
     documentation_url: https://example.org}
  - {id: %r, item_subtype: WORKFLOW_TEMPLATE, display_name: T, software_id: model}
"""


@pytest.mark.parametrize("template_id", ["10378.1/5", "tést/模板", 'a"b'])
def test_csv_templates_have_a_file_name(template_id: str, tmp_path: Path) -> None:
    seed = tmp_path / "seed.yaml"
    seed.write_text(SEED % template_id, encoding="utf-8")
    with Sandbox(seed=seed) as sandbox:
        response = http.get(
            f"{sandbox.url}/bulk/generate_template/csv",
            params={"workflow_template_id": template_id},
            headers={"Authorization": f"Bearer {sandbox.token('read')}"},
        )
    assert response.status_code == 200
    assert response.headers["Content-Disposition"] == 'attachment; filename="test.csv"'
    assert template_id in response.text.replace('""', '"')
