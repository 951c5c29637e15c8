"""Reads seed files: the initial data of a sandbox, in YAML.

The comment at the top of ``seed.yaml``, the default seed, describes the format.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar

import msgspec
import yaml
from attrs import frozen
from msgspec import Meta

from prov_api_client.types import prepare
from prov_facade._checks import check_choice
from prov_facade.models import ModelRunRecord
from prov_facade.sandbox._state import yaml_loader
from prov_facade.sandbox._state.records import InvalidRecordError, check_record
from prov_facade.sandbox._state.store import Item, Store

# Ids are compared, looked up and put into URLs as they are: white space in an id is a mistake.
_Id = Annotated[str, Meta(pattern=r"\A\S+\Z")]
_Text = Annotated[str, Meta(min_length=1)]
# Up to the last second of the year 9999.
_Time = Annotated[int, Meta(ge=0, le=253_402_300_799)]

_T = TypeVar("_T")


class SeedError(Exception):
    """A seed file that cannot be used. The message is a single line."""


@frozen
class SeededRun:
    """A model run of a seed."""

    id: str
    record: ModelRunRecord
    owner_username: str
    created_timestamp: int


@frozen(eq=False)
class Seed:
    """The initial data of a sandbox, in the order of the file."""

    items: list[Item]
    model_runs: list[SeededRun]


class _Schema(msgspec.Struct, forbid_unknown_fields=True):
    """The base class of the schemas of a seed file."""

    def __post_init__(self) -> None:
        # In YAML, an optional list without entries is null.
        for name, make in _optional_lists(type(self)):
            if getattr(self, name) is None:
                setattr(self, name, make())


@cache
def _optional_lists(schema: type[_Schema]) -> list[tuple[str, Callable[[], Any]]]:
    fields = msgspec.structs.fields(schema)
    return [(f.name, f.default_factory) for f in fields if callable(f.default_factory)]


class _File(_Schema):
    # Entries are converted one by one, so that errors name the invalid entry.
    items: list[Any] | None = []
    model_runs: list[Any] | None = []


class _Item(_Schema):
    category: ClassVar[str] = "ENTITY"
    references: ClassVar[dict[str, str]] = {}
    """The subtype of the items that a field refers to."""

    id: _Id
    item_subtype: str
    display_name: _Text
    owner_username: _Text = "sandbox"
    created_timestamp: _Time = 0


class _Study(_Item, kw_only=True):
    category = "ACTIVITY"

    description: str


class _Person(_Item, kw_only=True):
    category = "AGENT"

    email: _Text
    orcid: str | None = None


class _Organisation(_Item):
    category = "AGENT"

    ror: str | None = None


class _Model(_Item, kw_only=True):
    version: _Text
    documentation_url: _Text


class _Resource(_Schema):
    key: _Text
    description: str
    optional: bool = False


class _DatasetTemplate(_Item):
    deferred_resources: list[_Resource] | None = []

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_unique("deferred_resources", (it.key for it in self.deferred_resources or ()))


class _Dataset(_Item, kw_only=True):
    description: str


class _TemplateUse(_Schema):
    template_id: _Id
    optional: bool = False


class _Annotations(_Schema):
    required: list[_Text] | None = []
    optional: list[_Text] | None = []

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_unique("annotations", [*(self.required or ()), *(self.optional or ())])


class _WorkflowTemplate(_Item, kw_only=True):
    references = {
        "software_id": "MODEL",
        "input_templates": "DATASET_TEMPLATE",
        "output_templates": "DATASET_TEMPLATE",
    }

    software_id: _Id
    input_templates: list[_TemplateUse] | None = []
    output_templates: list[_TemplateUse] | None = []
    annotations: _Annotations | None = msgspec.field(default_factory=_Annotations)

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_unique("input_templates", (it.template_id for it in self.input_templates or ()))
        _check_unique("output_templates", (it.template_id for it in self.output_templates or ()))


class _TemplatedDataset(_Schema):
    dataset_template_id: _Id
    dataset_id: _Id
    dataset_type: Literal["DATA_STORE"] = "DATA_STORE"
    resources: dict[str, str] | None = None


class _Associations(_Schema):
    modeller_id: _Id
    requesting_organisation_id: _Id | None = None


class _ModelRun(_Schema, kw_only=True):
    """A model run: the fields of `ModelRunRecord`, with its limits, and three more."""

    id: _Id
    owner_username: _Text = "sandbox"
    created_timestamp: _Time | None = None
    workflow_template_id: _Id
    inputs: list[_TemplatedDataset]
    outputs: list[_TemplatedDataset]
    display_name: _Text
    description: _Text
    associations: _Associations
    start_time: _Time
    end_time: _Time
    model_version: str | None = None
    annotations: dict[str, str] | None = None
    study_id: _Id | None = None


_SCHEMAS: dict[str, type[_Item]] = {
    "STUDY": _Study,
    "PERSON": _Person,
    "ORGANISATION": _Organisation,
    "MODEL": _Model,
    "WORKFLOW_TEMPLATE": _WorkflowTemplate,
    "DATASET": _Dataset,
    "DATASET_TEMPLATE": _DatasetTemplate,
}

prepare(_File, *_SCHEMAS.values())


def _check_unique(field: str, names: Iterable[str]) -> None:
    for name, times in Counter(names).items():
        if times > 1:
            # msgspec turns this into a ValidationError.
            raise ValueError(f"{field} names {name} more than once")


def load(path: Path | None = None) -> Seed:
    """Read a seed file.

    Args:
        path: The file; ``None`` reads the default seed.

    Raises:
        SeedError: If the file cannot be read, or its content is not valid.
    """
    source = files("prov_facade.sandbox") / "seed.yaml" if path is None else path
    try:
        return _seed(source.read_bytes())
    except OSError as error:
        raise SeedError(f"{source} cannot be read: {error.strerror or error}") from error
    except _ContentError as error:
        # Ids and keys can contain anything, including line breaks.
        raise SeedError(f"{source}: {' '.join(str(error).split())}") from error


class _ContentError(Exception):
    """The content of the file is not valid."""


@lru_cache(maxsize=8)
def _seed(content: bytes) -> Seed:
    file = _convert(_parsed(content), _File, "the file")
    locations: dict[str, str] = {}
    items, runs = [], []
    for location, entry in _located(file.items or (), "items"):
        items.append(_item(entry, location))
        _add_id(locations, items[-1].id, location)
    for location, entry in _located(file.model_runs or (), "model_runs"):
        runs.append(_run(entry, location))
        _add_id(locations, runs[-1].id, location)
    _check_references(items, locations)
    _check_runs(items, runs, locations)
    return Seed(items, runs)


def _parsed(content: bytes) -> Any:
    try:
        return yaml_loader.load(content)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" in line {mark.line + 1}" if mark else ""
        what = ", ".join(filter(None, [error.context, error.problem]))
        raise _ContentError(f"not YAML: {what}{where}") from error
    except RecursionError as error:
        raise _ContentError("not usable YAML: nested too deeply") from error
    except (yaml.YAMLError, ValueError, LookupError, AttributeError) as error:
        # Scalars that only look like a date or a number raise other errors in PyYAML.
        raise _ContentError(f"not YAML: {error}") from error


def _located(entries: Sequence[Any], name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each entry with its location."""
    for number, value in enumerate(entries, 1):
        location = f"entry {number} of {name}"
        entry = _convert(value, dict[str, Any], location)
        entry_id = entry.get("id")
        yield f"{location} ({entry_id})" if isinstance(entry_id, str) else location, entry


def _convert(value: Any, schema: type[_T], location: str) -> _T:
    try:
        return msgspec.convert(value, schema)
    except msgspec.ValidationError as error:
        raise _ContentError(f"{location}: {error}") from error


def _convert_entry(value: dict[str, Any], schema: type[_T], location: str) -> _T:
    converted = _convert(value, schema, location)
    try:
        # An escape sequence in YAML can produce a lone surrogate.
        msgspec.json.encode(converted)
    except UnicodeEncodeError as error:
        raise _ContentError(f"{location}: some text cannot be encoded as UTF-8") from error
    return converted


def _item(entry: dict[str, Any], location: str) -> Item:
    subtype: Any = entry.get("item_subtype")
    check_choice(f"{location}: item_subtype", subtype, sorted(_SCHEMAS), error=_ContentError)
    schema = _SCHEMAS[subtype]
    fields = msgspec.to_builtins(_convert_entry(entry, schema, location))
    common = {name: fields.pop(name) for name in _Item.__struct_fields__}
    return Item(
        **common,
        item_category=schema.category,
        updated_timestamp=common["created_timestamp"],
        body=fields,
    )


def _run(entry: dict[str, Any], location: str) -> SeededRun:
    run = _convert_entry(entry, _ModelRun, location)
    if run.start_time > run.end_time:
        raise _ContentError(f"{location}: start_time is after end_time")
    return SeededRun(
        id=run.id,
        record=ModelRunRecord.from_dict(msgspec.to_builtins(run)),
        owner_username=run.owner_username,
        created_timestamp=run.end_time if run.created_timestamp is None else run.created_timestamp,
    )


def _add_id(locations: dict[str, str], entry_id: str, location: str) -> None:
    if entry_id in locations:
        raise _ContentError(f"{location}: {locations[entry_id]} has the same id")
    locations[entry_id] = location


def _check_references(items: Sequence[Item], locations: dict[str, str]) -> None:
    subtypes = {item.id: item.item_subtype for item in items}
    for item in items:
        for field, subtype in _SCHEMAS[item.item_subtype].references.items():
            for target in _ids(item.body[field]):
                if subtypes.get(target) != subtype:
                    fault = (
                        f"whose subtype is {subtypes[target]}"
                        if target in subtypes
                        else "which does not exist"
                    )
                    raise _ContentError(
                        f"{locations[item.id]}: {field} refers to {target}, {fault}; the subtype"
                        f" must be {subtype}"
                    )


def _ids(value: Any) -> Iterator[str]:
    for entry in value if isinstance(value, list) else [value]:
        yield entry["template_id"] if isinstance(entry, dict) else entry


def _check_runs(
    items: Sequence[Item], runs: Sequence[SeededRun], locations: dict[str, str]
) -> None:
    """Check model runs as if they were being registered."""
    with Store() as store:
        store.put_items(items)
        for run in runs:
            try:
                check_record(store, run.record)
            except InvalidRecordError as error:
                raise _ContentError(f"{locations[run.id]}: {error}") from error
