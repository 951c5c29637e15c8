"""Recognising records in the payloads of jobs, although servers normalise what they store."""

from __future__ import annotations

import copy
import itertools
import json
import unicodedata
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from registration.registrar import record

from job_api_client.models import JobStatusTable
from prov_api_client.models import ModelRunRecord
from prov_facade._registration.recognition import (
    Fingerprint,
    fingerprint,
    record_fingerprint,
    submits,
)

Content = dict[str, Any]
BATCH = "MODEL_RUN_BATCH_SUBMIT"


def dataset(number: int, **changes: Any) -> Content:
    return {
        "dataset_template_id": f"template/{number}",
        "dataset_id": f"dataset/{number}",
        "dataset_type": "DATA_STORE",
        **changes,
    }


def full_record(number: int = 0, **changes: Any) -> Content:
    """A record with a value that each kind of normalisation changes."""
    return {
        **record(number),
        "display_name": f" Séance {number}\t",
        "description": "Two\r\nlines, and a\rthird.\n",
        "inputs": [dataset(1, resources={"path": " a ", "b": "c"}), dataset(2, resources={})],
        "outputs": [dataset(3), dataset(4, resources=None), dataset(3)],
        "associations": {"modeller_id": "person", "requesting_organisation_id": None},
        "model_version": "1.0",
        "annotations": {"clé": "é", "b": "", "c": "3"},
        "study_id": None,
        **changes,
    }


def job(payload: object, kind: str = BATCH) -> JobStatusTable:
    fields = {
        "session_id": "session",
        "created_timestamp": 1,
        "username": "someone",
        "payload": payload,
        "job_type": "PROV_LODGE",
        "job_sub_type": kind,
        "status": "SUCCEEDED",
    }
    return msgspec.convert(fields, JobStatusTable)


def sent(content: Content) -> Fingerprint:
    """The fingerprint of a record as it is submitted."""
    return fingerprint(msgspec.convert(content, ModelRunRecord))


def changed(value: Any, change: Callable[[Any], Any]) -> Any:
    """Apply a change to each value within a value, the innermost first."""
    if isinstance(value, dict):
        value = {change(name): changed(member, change) for name, member in value.items()}
    elif isinstance(value, list):
        value = [changed(member, change) for member in value]
    return change(value)


def of_text(change: Callable[[str], str]) -> Callable[[Any], Any]:
    return lambda value: change(value) if isinstance(value, str) else value


def without_nulls(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {name: member for name, member in value.items() if member is not None}


def all_optional(value: Any, empty: object) -> Any:
    """Set the optional members of a record that are missing or empty."""
    value = copy.deepcopy(value)
    value["annotations"] = value.get("annotations") or empty
    for one in [*value["inputs"], *value["outputs"]]:
        one["resources"] = one.get("resources") or empty
    return value


# What servers and databases do to a record.
NORMALISATIONS: dict[str, Callable[[Content], Any]] = {
    "unchanged": lambda one: one,
    "trimmed text": lambda one: changed(one, of_text(str.strip)),
    "composed text": lambda one: changed(one, of_text(lambda text: normalised("NFC", text))),
    "decomposed text": lambda one: changed(one, of_text(lambda text: normalised("NFD", text))),
    "LF": lambda one: changed(one, of_text(with_lf)),
    "CRLF": lambda one: changed(one, of_text(lambda text: with_lf(text).replace("\n", "\r\n"))),
    "null for {}": lambda one: all_optional(one, None),
    "{} for null": lambda one: all_optional(one, {}),
    "nulls left out": lambda one: changed(all_optional(one, None), without_nulls),
    "nulls added": lambda one: {"model_version": None, "study_id": None, **all_optional(one, None)},
    "floats": lambda one: changed(
        one, lambda value: float(value) if isinstance(value, int) else value
    ),
    "keys in another order": lambda one: changed(
        one, lambda value: dict(reversed(value.items())) if isinstance(value, dict) else value
    ),
    "datasets in another order": lambda one: {
        **one,
        "inputs": one["inputs"][::-1],
        "outputs": one["outputs"][::-1],
    },
    "another field": lambda one: {**one, "created_by": "a newer server"},
    "JSON in a string": json.dumps,
}

# How the content of a payload may be wrapped.
WRAPPINGS: dict[str, Callable[[Content], Any]] = {
    "not wrapped": lambda payload: payload,
    "in an object": lambda payload: {"payload": payload},
    "in two objects": lambda payload: {"kind": None, "task": {"input": payload, "tries": [1]}},
    "in a string": lambda payload: {"payload": json.dumps(payload)},
    "in strings": lambda payload: {"payload": json.dumps({"input": json.dumps(payload)})},
    "as strings": lambda payload: {name: json.dumps(value) for name, value in payload.items()},
    "after others": lambda payload: {"a": {"b": "no JSON"}, "c": "[]", "d": 1, "payload": payload},
}


def normalised(form: Any, text: str) -> str:
    return unicodedata.normalize(form, text)


def with_lf(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


@pytest.mark.parametrize("wrap", WRAPPINGS.values(), ids=WRAPPINGS)
@pytest.mark.parametrize("normalise", NORMALISATIONS.values(), ids=NORMALISATIONS)
@pytest.mark.parametrize("make", [record, full_record], ids=["smallest", "full"])
def test_a_normalised_record_is_recognised(
    make: Callable[[int], Content],
    normalise: Callable[[Content], Any],
    wrap: Callable[[Content], Any],
) -> None:
    registers = job(wrap({"record": normalise(make(0))}), "MODEL_RUN_PROV_LODGE")
    assert record_fingerprint(registers) == sent(make(0))
    assert record_fingerprint(registers) != sent(make(1))
    fingerprints = [sent(make(number)) for number in range(3)]
    payload = {"records": [normalise(make(number)) for number in (2, 0, 1)]}
    assert submits(job(wrap(payload)), fingerprints) is True


# Text with everything that is normalised.
TEXTS = st.text(
    st.sampled_from("a \t\r\n\u00e9\u0301\u0302\u0327\u212b\uac00\u1100\u1161"), max_size=6
)
NAMES = TEXTS.map(lambda text: f"x{text}")
# Different after any normalisation.
KEYS = st.sampled_from(["x", " y ", "\u00e9", "e\u0301z", "\u212b\t", "a\r\nb", "\u1100\u1161"])
MAPPINGS = st.none() | st.dictionaries(KEYS, TEXTS, max_size=3)
DATASETS = st.lists(
    st.builds(dataset, st.integers(0, 3), resources=MAPPINGS)
    | st.builds(dataset, st.integers(0, 3)),
    max_size=3,
)
CONTENTS = st.builds(
    record,
    st.integers(0, 5),
    display_name=NAMES,
    description=NAMES,
    inputs=DATASETS,
    outputs=DATASETS,
    associations=st.fixed_dictionaries(
        {"modeller_id": NAMES}, optional={"requesting_organisation_id": st.none() | NAMES}
    ),
    start_time=st.integers(0, 2**40),
    model_version=st.none() | TEXTS,
    annotations=MAPPINGS,
    study_id=st.none() | NAMES,
)


@settings(deadline=None, derandomize=True, max_examples=80)
@given(
    st.lists(CONTENTS, min_size=1, max_size=4),
    st.lists(st.sampled_from(sorted(NORMALISATIONS.keys() - {"JSON in a string"})), max_size=5),
    st.sampled_from(sorted(WRAPPINGS)),
    st.randoms(use_true_random=False),
)
def test_records_are_recognised_after_any_combination_of_normalisations(
    contents: list[Content], names: list[str], wrapping: str, rng: Any
) -> None:
    stored = copy.deepcopy(contents)
    for name in names:
        stored = [NORMALISATIONS[name](one) for one in stored]
    for content, one in zip(contents, stored, strict=True):
        payload = json.loads(json.dumps(WRAPPINGS[wrapping]({"record": one})))
        found = record_fingerprint(job(payload, "MODEL_RUN_PROV_LODGE"))
        assert found == sent(content)
    rng.shuffle(stored)
    payload = json.loads(json.dumps(WRAPPINGS[wrapping]({"records": stored})))
    assert submits(job(payload), list(map(sent, contents))) is True


@pytest.mark.parametrize(
    "change",
    [
        {"description": "Another."},
        {"model_version": "2"},
        {"annotations": {"b": "é"}},
        {"inputs": []},
        {"outputs": [dataset(3), dataset(4)]},  # one of three is missing
        {"associations": {"modeller_id": "another"}},
        {"study_id": "study"},
        {"description": "Two lines, and a\nthird."},
    ],
)
def test_records_with_the_same_names_and_times_may_be_the_same(change: Content) -> None:
    fingerprints = [sent(full_record(number)) for number in range(2)]
    stored = [full_record(1), full_record(0, **change)]
    assert submits(job({"records": stored}), fingerprints) is None
    found = record_fingerprint(job({"record": stored[1]}, "MODEL_RUN_PROV_LODGE"))
    assert found is not None
    assert found.identity == fingerprints[0].identity
    assert found.digest != fingerprints[0].digest


@pytest.mark.parametrize(
    "change",
    [
        {"display_name": "Another"},
        {"display_name": "séance 0"},
        {"display_name": "Seance 0"},
        {"display_name": "Séance  0"},
        {"workflow_template_id": "another"},
        {"start_time": 1},
        {"end_time": 1_767_229_201},
    ],
)
def test_records_with_other_names_templates_or_times_are_others(change: Content) -> None:
    fingerprints = [sent(full_record(number)) for number in range(2)]
    stored = [full_record(0, **change), full_record(1)]
    assert submits(job({"records": stored}), fingerprints) is False
    found = record_fingerprint(job({"record": stored[0]}, "MODEL_RUN_PROV_LODGE"))
    assert found is not None
    assert found.identity != fingerprints[0].identity


def test_the_order_of_keys_does_not_matter_even_if_only_spaces_tell_them_apart() -> None:
    keys = {"x": "a", " x": "b", "x ": "", "\u00e9": "c", "e\u0301": "d"}
    expected = sent(full_record(annotations=keys))
    for some in itertools.permutations(keys.items()):
        assert sent(full_record(annotations=dict(some))) == expected
    assert sent(full_record(annotations={**keys, "\u00e9": "e"})) != expected


def test_a_repeated_record_is_not_two_records() -> None:
    a, b = full_record(0), full_record(1)
    assert submits(job({"records": [a, a]}), [sent(a), sent(b)]) is False
    assert submits(job({"records": [a, b]}), [sent(a), sent(a)]) is False
    assert submits(job({"records": [a, a]}), [sent(a), sent(a)]) is True


@pytest.mark.parametrize("wrap", WRAPPINGS.values(), ids=WRAPPINGS)
@pytest.mark.parametrize("count", [1, 3])
def test_another_number_of_records_is_another_submission(
    count: int, wrap: Callable[[Content], Any]
) -> None:
    fingerprints = [sent(record(number)) for number in range(2)]
    stored = [record(number) for number in range(count)]
    assert submits(job(wrap({"records": stored})), fingerprints) is False


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"records": []},
        {"payload": None},
        {"payload": {}},
        {"payload": "records"},
        {"payload": "[1, 2"},
        {"payload": '["records"]'},
        {"records": None},
        {"records": "none"},
        {"records": "[{}"},
        {"records": {"0": record(0), "1": record(1)}},
        {"records": 2},
        {"records": [record(0), {}]},
        {"records": [record(0), None]},
        {"records": [record(0), "Run 1"]},
        {"records": [record(0), [record(1)]]},
        {"records": [record(0), record(1, start_time="yesterday")]},
        {"records": [record(0), record(1, inputs=None)]},
        {"records_ref": "s3://bucket/records.json"},
        {"records": "[" * 100_000},
        {"a": {"b": {"c": {"d": {"records": [record(0), record(1)]}}}}},
    ],
)
def test_an_empty_or_unreadable_payload_may_submit_anything(payload: Content) -> None:
    assert submits(job(payload), [sent(record(0)), sent(record(1))]) is None


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"record": None},
        {"record": "Run 0"},
        {"record": {}},
        {"record": [record(0)]},
        {"record": record(0, end_time=None)},
        {"record": "{" * 100_000},
        {"record": '{"a":' * 100_000},
        {"payload": {"records": [record(0)]}},
    ],
)
def test_an_empty_or_unreadable_record_has_no_fingerprint(payload: Content) -> None:
    assert record_fingerprint(job(payload, "MODEL_RUN_PROV_LODGE")) is None


@pytest.mark.parametrize(
    "kind", ["MODEL_RUN_PROV_LODGE", "MODEL_RUN_LODGE_ONLY", "GENERATE_REPORT", "MODEL_RUN_UPDATE"]
)
def test_jobs_of_other_kinds_submit_nothing(kind: str) -> None:
    for payload in ({"records": [record(0)]}, {}):
        assert submits(job(payload, kind), [sent(record(0))]) is False
