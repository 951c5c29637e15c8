"""Reads what the sandbox holds from the start from a YAML file.

The form of the file is described at the top of ``seed.yaml``, the one that comes with the package.
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
from prov_facade.models import ModelRunRecord
from prov_facade.sandbox._state import yaml_loader
from prov_facade.sandbox._state.records import BadRecordError, check
from prov_facade.sandbox._state.store import Item, Store

# An id is compared, looked up and put into URLs as it is: blanks in it are a slip.
_Id = Annotated[str, Meta(pattern=r"\A\S+\Z")]
_Text = Annotated[str, Meta(min_length=1)]
# Up to the last second that a date can be written for.
_Time = Annotated[int, Meta(ge=0, le=253_402_300_799)]

_T = TypeVar("_T")


class SeedError(Exception):
    """A seed file that cannot be used. Its text is one line, for a person."""


@frozen
class SeededRun:
    """A model run that was registered before the sandbox started."""

    id: str
    record: ModelRunRecord
    owner_username: str
    created_timestamp: int


@frozen(eq=False)
class Seed:
    """What the sandbox holds from the start, in the order of the file."""

    items: list[Item]
    model_runs: list[SeededRun]


class _Form(msgspec.Struct, forbid_unknown_fields=True):
    """The base of what may stand in the file."""

    def __post_init__(self) -> None:
        # A list that may be left out may also have nothing under it, which is null in YAML.
        for name, make in _lists(type(self)):
            if getattr(self, name) is None:
                setattr(self, name, make())


@cache
def _lists(form: type[_Form]) -> list[tuple[str, Callable[[], Any]]]:
    fields = msgspec.structs.fields(form)
    return [(f.name, f.default_factory) for f in fields if callable(f.default_factory)]


class _File(_Form):
    # What the entries are is looked at one by one, to name those that are wrong.
    items: list[Any] | None = []
    model_runs: list[Any] | None = []


class _Item(_Form):
    category: ClassVar[str] = "ENTITY"
    references: ClassVar[dict[str, str]] = {}
    """The subtype of the items that a field names."""

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


class _Resource(_Form):
    key: _Text
    description: str
    optional: bool = False


class _DatasetTemplate(_Item):
    deferred_resources: list[_Resource] | None = []

    def __post_init__(self) -> None:
        super().__post_init__()
        _expect_once("deferred_resources", (it.key for it in self.deferred_resources or ()))


class _Dataset(_Item, kw_only=True):
    description: str


class _Place(_Form):
    template_id: _Id
    optional: bool = False


class _Annotations(_Form):
    required: list[_Text] | None = []
    optional: list[_Text] | None = []

    def __post_init__(self) -> None:
        super().__post_init__()
        _expect_once("annotations", [*(self.required or ()), *(self.optional or ())])


class _WorkflowTemplate(_Item, kw_only=True):
    references = {
        "software_id": "MODEL",
        "input_templates": "DATASET_TEMPLATE",
        "output_templates": "DATASET_TEMPLATE",
    }

    software_id: _Id
    input_templates: list[_Place] | None = []
    output_templates: list[_Place] | None = []
    annotations: _Annotations | None = msgspec.field(default_factory=_Annotations)

    def __post_init__(self) -> None:
        super().__post_init__()
        _expect_once("input_templates", (it.template_id for it in self.input_templates or ()))
        _expect_once("output_templates", (it.template_id for it in self.output_templates or ()))


class _TemplatedDataset(_Form):
    dataset_template_id: _Id
    dataset_id: _Id
    dataset_type: Literal["DATA_STORE"] = "DATA_STORE"
    resources: dict[str, str] | None = None


class _Associations(_Form):
    modeller_id: _Id
    requesting_organisation_id: _Id | None = None


class _ModelRun(_Form, kw_only=True):
    """A model run: the fields of `ModelRunRecord`, held to its limits, and three more."""

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


_FORMS: dict[str, type[_Item]] = {
    "STUDY": _Study,
    "PERSON": _Person,
    "ORGANISATION": _Organisation,
    "MODEL": _Model,
    "WORKFLOW_TEMPLATE": _WorkflowTemplate,
    "DATASET": _Dataset,
    "DATASET_TEMPLATE": _DatasetTemplate,
}

prepare(_File, *_FORMS.values())


def _expect_once(field: str, names: Iterable[str]) -> None:
    for name, times in Counter(names).items():
        if times > 1:
            # msgspec makes a ValidationError of it.
            raise ValueError(f"{field} names {name} more than once")


def load(path: Path | None = None) -> Seed:
    """Read a seed file.

    Args:
        path: The file; ``None`` reads the one that comes with the package.

    Returns:
        What is in it.

    Raises:
        SeedError: If it cannot be read, or if something in it is wrong.
    """
    source = files("prov_facade.sandbox") / "seed.yaml" if path is None else path
    try:
        return _seed(source.read_bytes())
    except OSError as error:
        raise SeedError(f"{source} cannot be read: {error.strerror or error}") from error
    except _WrongError as error:
        # Ids and keys can hold anything, line breaks included.
        raise SeedError(f"{source}: {' '.join(str(error).split())}") from error


class _WrongError(Exception):
    """Something is wrong with the content of the file."""


@lru_cache(maxsize=8)
def _seed(content: bytes) -> Seed:
    file = _convert(_parsed(content), _File, "the file")
    places: dict[str, str] = {}
    items, runs = [], []
    for place, entry in _places(file.items or (), "items"):
        items.append(_item(entry, place))
        _claim(places, items[-1].id, place)
    for place, entry in _places(file.model_runs or (), "model_runs"):
        runs.append(_run(entry, place))
        _claim(places, runs[-1].id, place)
    _check_references(items, places)
    _check_runs(items, runs, places)
    return Seed(items, runs)


def _parsed(content: bytes) -> Any:
    try:
        return yaml_loader.load(content)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" in line {mark.line + 1}" if mark else ""
        what = ", ".join(filter(None, [error.context, error.problem]))
        raise _WrongError(f"not YAML: {what}{where}") from error
    except RecursionError as error:
        raise _WrongError("not usable YAML: nested too deeply") from error
    except (yaml.YAMLError, ValueError, LookupError, AttributeError) as error:
        # PyYAML lets errors through from scalars that look like a date or number and are none.
        raise _WrongError(f"not YAML: {error}") from error


def _places(entries: Sequence[Any], name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give each entry with a name for it that a person finds it by."""
    for number, value in enumerate(entries, 1):
        place = f"entry {number} of {name}"
        entry = _convert(value, dict[str, Any], place)
        entry_id = entry.get("id")
        yield f"{place} ({entry_id})" if isinstance(entry_id, str) else place, entry


def _convert(value: Any, form: type[_T], place: str) -> _T:
    try:
        return msgspec.convert(value, form)
    except msgspec.ValidationError as error:
        raise _WrongError(f"{place}: {error}") from error


def _convert_entry(value: dict[str, Any], form: type[_T], place: str) -> _T:
    converted = _convert(value, form, place)
    try:
        # An escape in YAML can give half a character.
        msgspec.json.encode(converted)
    except UnicodeEncodeError as error:
        raise _WrongError(f"{place}: some text cannot be encoded as UTF-8") from error
    return converted


def _item(entry: dict[str, Any], place: str) -> Item:
    subtype = entry.get("item_subtype")
    form = _FORMS.get(subtype) if isinstance(subtype, str) else None
    if form is None:
        problem = "has no item_subtype" if subtype is None else f"unknown item_subtype {subtype!r}"
        raise _WrongError(f"{place}: {problem}; it must be one of {', '.join(sorted(_FORMS))}")
    fields = msgspec.to_builtins(_convert_entry(entry, form, place))
    common = {name: fields.pop(name) for name in _Item.__struct_fields__}
    return Item(
        **common,
        item_category=form.category,
        updated_timestamp=common["created_timestamp"],
        body=fields,
    )


def _run(entry: dict[str, Any], place: str) -> SeededRun:
    run = _convert_entry(entry, _ModelRun, place)
    if run.start_time > run.end_time:
        raise _WrongError(f"{place}: start_time is after end_time")
    return SeededRun(
        id=run.id,
        record=ModelRunRecord.from_dict(msgspec.to_builtins(run)),
        owner_username=run.owner_username,
        created_timestamp=run.end_time if run.created_timestamp is None else run.created_timestamp,
    )


def _claim(places: dict[str, str], entry_id: str, place: str) -> None:
    if entry_id in places:
        raise _WrongError(f"{place}: {places[entry_id]} has the same id")
    places[entry_id] = place


def _check_references(items: Sequence[Item], places: dict[str, str]) -> None:
    subtypes = {item.id: item.item_subtype for item in items}
    for item in items:
        for field, subtype in _FORMS[item.item_subtype].references.items():
            for target in _ids(item.body[field]):
                if subtypes.get(target) != subtype:
                    found = f"is a {subtypes[target]}" if target in subtypes else "is no item"
                    raise _WrongError(
                        f"{places[item.id]}: {field} names {target}, which {found}; it must be a"
                        f" {subtype}"
                    )


def _ids(value: Any) -> Iterator[str]:
    for entry in value if isinstance(value, list) else [value]:
        yield entry["template_id"] if isinstance(entry, dict) else entry


def _check_runs(items: Sequence[Item], runs: Sequence[SeededRun], places: dict[str, str]) -> None:
    """Hold the runs to what a run must fulfil that is registered."""
    with Store() as store:
        store.put_items(items)
        for run in runs:
            try:
                check(store, run.record)
            except BadRecordError as error:
                raise _WrongError(f"{places[run.id]}: {error}") from error
