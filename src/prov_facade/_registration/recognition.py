"""Recognises records in the payloads of jobs, although servers normalise what they store."""

from __future__ import annotations

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from attrs import frozen

from job_api_client.models import JobStatusTable, JobSubType
from prov_api_client.models import ModelRunRecord

_EMPTY: tuple[object, ...] = (None, "", [], {})
# The fields by which a person tells records apart, and which a server hardly ever changes.
_IDENTITY = ("display_name", "workflow_template_id", "start_time", "end_time")
# How deep the records may be within a payload.
_MAX_DEPTH = 4


@frozen
class Fingerprint:
    """What a record is recognised by.

    Attributes:
        digest: The SHA-256 of its normalised content.
        identity: The SHA-256 of the fields that identify it.
    """

    digest: bytes
    identity: bytes


def fingerprint(record: ModelRunRecord) -> Fingerprint:
    """Return the fingerprint of a record."""
    normal = _normalised(msgspec.to_builtins(record))
    return Fingerprint(_sha256(normal), _sha256([normal.get(name) for name in _IDENTITY]))


def record_fingerprint(job: JobStatusTable) -> Fingerprint | None:
    """Return the fingerprint of the record that a job registers; ``None`` if it is unreadable."""
    return _read(_found("record", job.payload))


def may_register(job: JobStatusTable, record: Fingerprint) -> bool:
    """Return whether a job may register a record: one with the same identity, or unreadable."""
    if job.job_sub_type != JobSubType.MODEL_RUN_PROV_LODGE:
        return False
    found = record_fingerprint(job)
    return found is None or found.identity == record.identity


def submits(job: JobStatusTable, records: Sequence[Fingerprint]) -> bool | None:
    """Determine whether a job submits certain records, and no others.

    Args:
        job: The job.
        records: The fingerprints of the records.

    Returns:
        Whether it does; ``None`` if it may, although its payload shows something else.
    """
    if job.job_sub_type != JobSubType.MODEL_RUN_BATCH_SUBMIT:
        return False
    payload = _found("records", job.payload)
    if not isinstance(payload, list) or not payload:
        return None
    if len(payload) != len(records):
        return False
    read = [_read(item) for item in payload]
    found = [one for one in read if one is not None]
    if len(found) < len(read):
        return None
    if Counter(one.digest for one in found) == Counter(one.digest for one in records):
        return True
    same = Counter(one.identity for one in found) == Counter(one.identity for one in records)
    return None if same else False


def _found(name: str, payload: object, depth: int = _MAX_DEPTH) -> object:
    """Find a member of a payload, which may be wrapped, or be JSON in a string."""
    if isinstance(payload, str):
        payload = _decoded(payload)
    if not isinstance(payload, dict) or not depth:
        return None
    if name in payload:
        return _decoded(payload[name])
    members = (_found(name, member, depth - 1) for member in payload.values())
    return next((member for member in members if member is not None), None)


def _decoded(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError):
        return None


def _read(payload: object) -> Fingerprint | None:
    try:
        return fingerprint(msgspec.convert(_decoded(payload), ModelRunRecord, strict=False))
    except msgspec.ValidationError:
        return None


def _normalised(value: Any) -> Any:
    """Undo what servers and databases do: trim text, compose it, drop empty fields, reorder."""
    if isinstance(value, str):
        lines = unicodedata.normalize("NFC", value).replace("\r\n", "\n").replace("\r", "\n")
        return lines.strip()
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return sorted(map(_normalised, value), key=_encoded)
    if isinstance(value, Mapping):
        members = ((_normalised(key), _normalised(member)) for key, member in value.items())
        # Sorted, because keys may become equal; then their order would determine which remains.
        ordered = sorted(members, key=_encoded)
        return {key: member for key, member in ordered if member not in _EMPTY}
    return value


def _encoded(value: object) -> bytes:
    return msgspec.json.encode(value, order="deterministic")


def _sha256(value: object) -> bytes:
    return hashlib.sha256(_encoded(value)).digest()
