"""How long decoding and encoding take, against an untyped parse of the same bytes.

Run it with `nox -s benchmarks`. Each figure is the median of rounds in which the candidates take
turns, so that a machine that slows down slows all of them down: compare the ratios.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable

import httpx
import msgspec
import orjson

from prov_api_client import OPERATIONS
from prov_facade.models import (
    AssociationInfo,
    ConvertModelRunsResponse,
    DatasetType,
    ModelRunRecord,
    Status,
    TemplatedDataset,
)

RECORDS = 5_000
ROUNDS = 41


def dataset(number: int) -> TemplatedDataset:
    return TemplatedDataset(
        dataset_template_id=f"10378.1/19{number:05}",
        dataset_id=f"10378.1/20{number:05}",
        dataset_type=DatasetType.DATA_STORE,
        resources={"path": f"runs/{number}/output.nc"} if number % 2 else None,
    )


def record(number: int) -> ModelRunRecord:
    return ModelRunRecord(
        workflow_template_id="10378.1/1769847",
        display_name=f"Reef temperature, run {number}",
        description="Sea surface temperature over the northern reef, hourly",
        inputs=[dataset(number)],
        outputs=[dataset(number + 1)],
        associations=AssociationInfo(modeller_id="10378.1/1955001"),
        start_time=1_767_225_600 + number,
        end_time=1_767_229_200 + number,
        annotations={"scenario": "RCP 4.5"},
    )


def medians(candidates: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Time the candidates in turns, in milliseconds."""
    taken: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(ROUNDS):
        for name, work in candidates.items():
            gc.collect()
            start = time.perf_counter()
            result = work()
            taken[name].append((time.perf_counter() - start) * 1000)
            del result
    return {name: statistics.median(times) for name, times in taken.items()}


def main() -> None:
    value = ConvertModelRunsResponse(
        status=Status(success=True, details="Converted."),
        new_records=[record(number) for number in range(RECORDS)],
    )
    content = msgspec.json.encode(value)
    operation = OPERATIONS["convert_model_runs_to_csv"]
    response = httpx.Response(200, headers={"content-type": "application/json"}, content=content)
    assert operation.read(response) == value

    figures = medians(
        {
            "orjson.loads, untyped": lambda: orjson.loads(content),
            "decode, typed and checked": lambda: operation.read(response),
            "encode": lambda: msgspec.json.encode(value),
        }
    )
    floor = figures["orjson.loads, untyped"]
    print(f"{RECORDS} records, {len(content) / 1e6:.1f} MB, median of {ROUNDS} rounds")
    for name, milliseconds in figures.items():
        print(f"{name:28} {milliseconds:7.1f} ms   {milliseconds / floor:5.2f} x orjson.loads")


if __name__ == "__main__":
    main()
