# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""What the models and the operations have in common."""

import enum
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from typing import IO, Any, BinaryIO, Generic, Protocol, Self, TypeVar, runtime_checkable

import msgspec
from attrs import define
from msgspec import UNSET
from msgspec import UnsetType as Unset

T = TypeVar("T")

LIMITS = "limits"
"""The key under which an attribute's metadata holds its limits, as a `msgspec.Meta`."""

# What httpx takes as `files`.
FileContent = IO[bytes] | bytes | str
FileTypes = (
    tuple[str | None, FileContent, str | None]
    | tuple[str | None, FileContent, str | None, Mapping[str, str]]
)
RequestFiles = list[tuple[str, FileTypes]]


def prepare(*kinds: Any) -> None:
    """Have msgspec take in types, before more than one thread can see them.

    msgspec notes a class on it before it knows its fields. Another thread that reads the class in
    the meantime, or a process forked then, would be killed by a segmentation fault; so the types
    are taken in while their module is imported, for which all threads but one wait.

    Args:
        kinds: The types, after which those that they mention are known as well.
    """
    for kind in kinds:
        msgspec.json.Decoder(kind)


class Model:
    """The base of every model: an attrs class that msgspec reads and writes."""

    __slots__ = ()

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Make a model from a mapping, as decoded from JSON.

        Args:
            src_dict: The mapping. Keys that the model does not know are left out.

        Returns:
            The model.

        Raises:
            msgspec.ValidationError: If a value is missing or of the wrong type; the message ends in
                its path.
        """
        return msgspec.convert(src_dict, cls)

    def to_dict(self) -> dict[str, Any]:
        """Return the model as a dictionary of JSON types, `None` where nothing is set."""
        found: dict[str, Any] = msgspec.to_builtins(self)
        return found


@runtime_checkable
class SupportsModelDump(Protocol):
    """A pydantic model, recognized by its method."""

    def model_dump(self, *, mode: str, exclude_none: bool) -> dict[str, Any]:
        """Return the model's fields as JSON types, without those that are ``None``."""
        ...


ModelLike = Mapping[str, Any] | SupportsModelDump
"""What a request body may be in place of a model."""


def plain(item: Any) -> Any:
    """Convert what msgspec cannot encode: pydantic models, mappings and iterables."""
    if isinstance(item, SupportsModelDump):
        return item.model_dump(mode="json", exclude_none=True)
    if isinstance(item, Mapping):
        return dict(item)
    if isinstance(item, Iterable):
        return list(item)
    raise TypeError(f"{type(item).__name__} cannot be encoded as JSON")


class OpenStrEnum(enum.StrEnum):
    """An enumeration of strings that accepts values it has no name for.

    A server that is newer than this client may send a value that the document does not list. It
    becomes a member of its own, the same object each time, which iteration does not list.
    """

    @classmethod
    def _missing_(cls, value: object) -> "OpenStrEnum | None":
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = member._value_ = value
        known: dict[Any, OpenStrEnum] = cls._value2member_map_  # type: ignore[assignment]
        return known.setdefault(value, member)


@define
class File:
    """A file to upload.

    Attributes:
        payload: Its content.
        file_name: The name that the server is told.
        mime_type: Its media type.
    """

    payload: BinaryIO
    file_name: str | None = None
    mime_type: str | None = None

    def to_tuple(self) -> FileTypes:
        """Return the file the way httpx takes it."""
        return self.file_name, self.payload, self.mime_type


def multipart(parts: Mapping[str, object]) -> RequestFiles:
    """Lay out the parts of a multipart body the way httpx sends them.

    No content type is set by hand: httpx then draws a random boundary for each request, which no
    line of an upload can equal.

    Args:
        parts: A file, a value or a sequence of those, by the name of the part. `None` is left out.

    Returns:
        The parts, in order.
    """
    laid_out: RequestFiles = []
    for name, value in parts.items():
        several = isinstance(value, Sequence) and not isinstance(value, str | bytes)
        for entry in value if several else [value]:  # type: ignore[attr-defined]
            if isinstance(entry, File):
                laid_out.append((name, entry.to_tuple()))
            elif isinstance(entry, str):
                laid_out.append((name, (None, str(entry), None)))
            elif isinstance(entry, bytes | bytearray):
                raise TypeError(f"{name}: bytes have no file name; put them into a File")
            elif entry is not None:
                laid_out.append((name, (None, msgspec.json.encode(entry), "application/json")))
    return laid_out


@define
class Response(Generic[T]):
    """A response, whatever its status.

    Attributes:
        status_code: The HTTP status, any integer.
        content: The body.
        headers: The headers.
        parsed: The value that the operation returns, or `None` when the status is not a success.
    """

    status_code: int
    content: bytes
    headers: MutableMapping[str, str]
    parsed: T | None


__all__ = [
    "LIMITS",
    "UNSET",
    "File",
    "FileTypes",
    "Model",
    "ModelLike",
    "OpenStrEnum",
    "RequestFiles",
    "Response",
    "SupportsModelDump",
    "Unset",
    "multipart",
    "plain",
    "prepare",
]
