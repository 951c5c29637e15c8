"""A sandbox in a separate process, for ``benchmarks.sandbox``.

``python -m benchmarks.sides.sandbox LINKS`` fills it with a fictional graph of about that many
links; 0 keeps the default seed. Each model run reads three datasets of the runs shortly before it,
writes one, and names a person and a study; all share a model and a workflow template.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from prov_facade.sandbox import Sandbox

INPUTS = 3
LINKS_OF_A_RUN = INPUTS + 5
RECENT = 50
PERSONS, STUDIES = 100, 20


def _item(item_id: str, subtype: str, **fields: Any) -> Any:
    return {"id": item_id, "item_subtype": subtype, "display_name": item_id, **fields}


def _used(number: int) -> Any:
    return {"dataset_template_id": "data", "dataset_id": f"dataset/{number}"}


def seed(runs: int) -> Any:
    """Return a seed with a number of model runs."""
    chance = random.Random(runs)  # noqa: S311  (not for security)

    def run(number: int) -> Any:
        recent = range(max(0, number - RECENT), number)
        return {
            "id": f"run/{number}",
            "workflow_template_id": "workflow",
            "display_name": f"run {number}",
            "description": "a run",
            "start_time": number,
            "end_time": number + 1,
            "associations": {"modeller_id": f"person/{chance.randrange(PERSONS)}"},
            "study_id": f"study/{chance.randrange(STUDIES)}",
            "inputs": [_used(i) for i in chance.sample(recent, min(INPUTS, len(recent)))],
            "outputs": [_used(number)],
        }

    datasets = [{"template_id": "data", "optional": True}]
    items = [
        *(_item(f"person/{i}", "PERSON", email="a@example.org") for i in range(PERSONS)),
        *(_item(f"study/{i}", "STUDY", description="a study") for i in range(STUDIES)),
        *(_item(f"dataset/{i}", "DATASET", description="a dataset") for i in range(runs)),
        _item("model", "MODEL", version="1", documentation_url="https://example.org"),
        _item("data", "DATASET_TEMPLATE"),
        _item(
            "workflow",
            "WORKFLOW_TEMPLATE",
            software_id="model",
            input_templates=datasets,
            output_templates=datasets,
        ),
    ]
    return {"items": items, "model_runs": [run(number) for number in range(runs)]}


def main(links: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "seed.yaml"  # JSON is YAML
        runs = links // LINKS_OF_A_RUN
        path.write_text(json.dumps(seed(runs)), encoding="utf-8")
        begun = time.perf_counter()
        with Sandbox(seed=path if runs else None, record=False) as sandbox:
            started = {
                "url": sandbox.url,
                "token": sandbox.token("read"),
                "run": sandbox.items("MODEL_RUN")[0].id,
                "runs": runs,
                "seconds": time.perf_counter() - begun,
            }
            print(json.dumps(started), flush=True)
            sys.stdin.read()


if __name__ == "__main__":
    main(int(sys.argv[1]))
