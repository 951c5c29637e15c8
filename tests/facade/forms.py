"""The accepted forms of a model argument."""

from __future__ import annotations

import collections
import copy
import dataclasses
import enum
import numbers
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pydantic
import pydantic.v1
from sample_calls import DATASET, RECORD

from prov_facade import models


class PydanticDataset(pydantic.BaseModel):
    dataset_template_id: str
    dataset_id: str
    dataset_type: str = "DATA_STORE"
    resources: dict[str, str] | None = None


class PydanticRecord(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(protected_namespaces=())

    workflow_template_id: str
    inputs: list[PydanticDataset]
    outputs: list[Any]
    display_name: str
    description: str
    associations: dict[str, str]
    start_time: int
    end_time: int
    model_version: str | None = None


class DatasetType(enum.Enum):
    DATA_STORE = "DATA_STORE"


class PydanticV1Dataset(pydantic.v1.BaseModel):
    dataset_template_id: str
    dataset_id: str
    dataset_type: DatasetType = DatasetType.DATA_STORE
    resources: dict[str, str] | None = None


class PydanticV1Record(pydantic.v1.BaseModel):
    workflow_template_id: str
    inputs: list[PydanticV1Dataset]
    outputs: list[Any]
    display_name: str
    description: str
    associations: dict[str, str]
    start_time: int
    end_time: int
    model_version: str | None = None


@dataclasses.dataclass
class PlainAssociations:
    modeller_id: str


class Whole:
    """An integer that is not an ``int``, as in numeric libraries."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __int__(self) -> int:
        return self.value


numbers.Integral.register(Whole)


class Text(str):
    """A subclass of ``str``, as in numeric libraries."""

    __slots__ = ()


class Handle(str, enum.Enum):  # noqa: UP042  (the idiom before Python 3.11)
    RUN = "10378.1/40"


class Lookup(Mapping[str, Any]):
    """A mapping that is not a ``dict``."""

    def __init__(self, **items: Any) -> None:
        self.items_ = items

    def __getitem__(self, key: str) -> Any:
        return self.items_[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.items_)

    def __len__(self) -> int:
        return len(self.items_)


def model() -> models.ModelRunRecord:
    return models.ModelRunRecord.from_dict(RECORD)


def mixed() -> models.ModelRunRecord:
    """Return a model with mappings and pydantic objects in it, which mypy rejects."""
    record: Any = model()
    record.inputs = [PydanticDataset.model_validate(DATASET)]
    record.associations = {"modeller_id": "10378.1/30"}
    return record  # type: ignore[no-any-return]


FORMS: dict[str, Callable[[], Any]] = {
    "model": model,
    "dict": lambda: copy.deepcopy(RECORD),
    "pydantic": lambda: PydanticRecord.model_validate(RECORD),
    "pydantic in a mapping": lambda: {
        **RECORD,
        "inputs": [PydanticDataset.model_validate(DATASET)],
    },
    "pydantic 1": lambda: PydanticV1Record.parse_obj(RECORD),
    "pydantic 1 in a mapping": lambda: {
        **RECORD,
        "inputs": [PydanticV1Dataset.parse_obj(DATASET)],
    },
    "models in a mapping": lambda: {**RECORD, "inputs": model().inputs},
    "mapping in a model": mixed,
    "mappings": lambda: Lookup(
        **{
            **RECORD,
            "associations": types.MappingProxyType(RECORD["associations"]),
            "inputs": [collections.ChainMap({}, DATASET)],
        }
    ),
    "ordered": lambda: collections.OrderedDict(RECORD),
    "user dict": lambda: collections.UserDict(RECORD),
    "tuples": lambda: {**RECORD, "inputs": tuple(RECORD["inputs"])},
    "deque": lambda: {**RECORD, "inputs": collections.deque(RECORD["inputs"])},
    "generator": lambda: {**RECORD, "inputs": (d for d in RECORD["inputs"])},
    "dataclass": lambda: {**RECORD, "associations": PlainAssociations("10378.1/30")},
    "integral": lambda: {**RECORD, "start_time": Whole(RECORD["start_time"])},
    "text": lambda: {**RECORD, "display_name": Text(RECORD["display_name"])},
    "text key": lambda: {Text(key): value for key, value in RECORD.items()},
    "null": lambda: {**RECORD, "study_id": None, "annotations": None},
}
