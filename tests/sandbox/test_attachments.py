"""File responses have a file name, whatever characters it contains."""

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


@pytest.mark.parametrize(
    ("template_id", "named"),
    [
        ("10378.1/5", 'filename="10378.1_5.csv"'),
        ("tést/模板", "filename*=utf-8''t%C3%A9st_%E6%A8%A1%E6%9D%BF.csv"),
        ('a"b', "filename*=utf-8''a%22b.csv"),
    ],
)
def test_csv_templates_have_a_file_name(template_id: str, named: str, tmp_path: Path) -> None:
    seed = tmp_path / "seed.yaml"
    seed.write_text(SEED % template_id, encoding="utf-8")
    with Sandbox(seed=seed) as sandbox:
        response = http.get(
            f"{sandbox.url}/bulk/generate_template/csv",
            params={"workflow_template_id": template_id},
            headers={"Authorization": f"Bearer {sandbox.token('read')}"},
        )
    assert response.status_code == 200
    assert response.headers["Content-Disposition"] == f"attachment; {named}"
    assert template_id in response.text.replace('""', '"')
