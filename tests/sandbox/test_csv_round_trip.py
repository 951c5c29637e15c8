"""Round trips of any workflow template, with any records that a file can contain."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sandbox.csv_files import TEMPLATE, convert_text, dataset, dataset_template, workflow_template

from prov_facade.models import AssociationInfo, DatasetType, ModelRunRecord, TemplatedDataset
from prov_facade.sandbox._state.csv_reader import Converted
from prov_facade.sandbox._state.csv_writer import BatchRow, regenerate
from prov_facade.sandbox._state.store import Item, Store

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8).map(str.strip).filter(bool)
MAYBE = st.none() | TEXT
TIMES = st.integers(
    int(datetime.min.replace(tzinfo=UTC).timestamp()),
    int(datetime.max.replace(microsecond=0, tzinfo=UTC).timestamp()),
)
Side = list[tuple[Item, bool]]


@st.composite
def sides(draw: st.DrawFn, first: int) -> Side:
    keys = draw(st.lists(TEXT, unique=True, max_size=4))
    count = draw(st.integers(0, 3))
    split = sorted(draw(st.lists(st.integers(0, len(keys)), min_size=count, max_size=count)))
    starts = [0, *split]
    return [
        (
            dataset_template(f"10378.1/{first + number}", draw(TEXT), *keys[start:end]),
            draw(st.booleans()),
        )
        for number, (start, end) in enumerate(zip(starts, split, strict=False))
    ]


@st.composite
def datasets(draw: st.DrawFn, side: Side) -> list[TemplatedDataset]:
    return [
        TemplatedDataset(
            item.id,
            draw(TEXT),
            DatasetType.DATA_STORE,
            {one["key"]: draw(TEXT) for one in item.body["deferred_resources"]} or None,
        )
        for item, _ in side
    ]


def uses(side: Side) -> list[dict[str, Any]]:
    return [{"template_id": item.id, "optional": optional} for item, optional in side]


@settings(
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(data=st.data())
def test_a_regenerated_file_converts_to_the_same_records(data: st.DataObject) -> None:
    inputs, outputs = data.draw(sides(100)), data.draw(sides(200))
    keys = data.draw(st.lists(TEXT, unique=True, max_size=4))
    required = keys[: data.draw(st.integers(0, len(keys)))]
    optional = keys[len(required) :]
    body = {
        "input_templates": uses(inputs),
        "output_templates": uses(outputs),
        "annotations": {"required": required, "optional": optional},
    }
    records = []
    for _ in range(data.draw(st.integers(1, 3))):
        annotations = {
            key: data.draw(TEXT) for key in keys if key in required or data.draw(st.booleans())
        }
        start, end = sorted([data.draw(TIMES), data.draw(TIMES)])
        records.append(
            ModelRunRecord(
                workflow_template_id=TEMPLATE,
                inputs=data.draw(datasets(inputs)),
                outputs=data.draw(datasets(outputs)),
                display_name=data.draw(TEXT),
                description=data.draw(TEXT),
                associations=AssociationInfo(data.draw(TEXT)),
                start_time=start,
                end_time=end,
                model_version=data.draw(MAYBE),
                annotations=annotations or None,
                study_id=data.draw(MAYBE),
            )
        )
    rows = [
        BatchRow(
            record, "", data.draw(st.sampled_from(["FAILED", "PENDING"])), None, data.draw(MAYBE)
        )
        for record in records
    ]
    with Store() as store:
        used = [one.dataset_id for record in records for one in record.inputs + record.outputs]
        store.put_items([dataset(dataset_id) for dataset_id in used])
        store.put_items([item for item, _ in inputs + outputs])
        store.put_items([workflow_template(TEMPLATE, **body)])
        assert convert_text(store, regenerate(store, rows)) == Converted(records, [], [])
