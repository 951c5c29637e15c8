"""Enums accept unknown strings."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties.models import EVERY_ENUM, PACKAGES, SETTINGS, Compiled, classes

from job_api_client.models import JobStatus, JobStatusTable, JobSubType
from prov_api_client.models import ItemSubType, LineageNode
from prov_api_client.types import OpenStrEnum

EVERY = pytest.mark.parametrize("compiled", EVERY_ENUM, ids=str)


@pytest.mark.parametrize("path", PACKAGES, ids=lambda path: path.stem)
def test_every_enum_is_covered(path: Path) -> None:
    ours = {compiled.cls for compiled in EVERY_ENUM if compiled.path == path}
    assert ours == classes(path, OpenStrEnum)


@EVERY
def test_members_match_the_schema(compiled: Compiled) -> None:
    assert [member.value for member in compiled.cls] == compiled.schema["enum"]
    assert [member.name for member in compiled.cls] == compiled.schema["enum"]


@EVERY
@SETTINGS
@given(text=st.text())
def test_an_enum_accepts_any_string(compiled: Compiled, text: str) -> None:
    enum = compiled.cls
    listed = list(enum)
    member = msgspec.json.decode(json.dumps(text).encode(), type=enum)
    assert isinstance(member, enum)
    assert member == text == member.value == str(member)
    assert enum(text) is member
    assert msgspec.json.decode(msgspec.json.encode(member), type=enum) is member
    assert pickle.loads(pickle.dumps(member)) is member  # noqa: S301
    assert copy.deepcopy(member) is member
    assert text in repr(member) or repr(text)[1:-1] in repr(member)
    assert list(enum) == listed


@SETTINGS
@given(category=st.none() | st.text(), subtype=st.none() | st.text())
def test_an_unknown_value_round_trips_in_a_model(category: str | None, subtype: str | None) -> None:
    value = {"id": "10378.1/1", "item_category": category, "item_subtype": subtype}
    assert LineageNode.from_dict(value).to_dict() == value


@SETTINGS
@given(sub_type=st.text(), status=st.text())
def test_an_unknown_value_round_trips_in_a_job(sub_type: str, status: str) -> None:
    value = {
        "session_id": "7f0c1a52-9b1e-4c55-8a55-0a4b5d1f3c11",
        "created_timestamp": 1709869300,
        "username": "alindqvist",
        "payload": {},
        "job_type": "PROV_LODGE",
        "job_sub_type": sub_type,
        "status": status,
    }
    job = msgspec.json.decode(json.dumps(value).encode(), type=JobStatusTable)
    assert isinstance(job.job_sub_type, JobSubType)
    assert isinstance(job.status, JobStatus)
    assert (job.job_sub_type, job.status) == (sub_type, status)
    assert job.to_dict() == value | {
        "batch_id": None,
        "gsi_status": "ok",
        "info": None,
        "result": None,
    }


@pytest.mark.parametrize("value", [1, 1.5, True, [], {}])
def test_other_types_are_rejected(value: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(value, ItemSubType)
