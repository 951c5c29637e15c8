"""Reads the configuration file, which holds the profiles of deployments."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

import attrs
from attrs import frozen

from prov_facade._files.private import exposure
from prov_facade._profiles.settings import SECRETS, TEXTS, Settings, variable
from prov_facade.config import APIOverrides
from prov_facade.errors import ConfigError

_BYTE_ORDER_MARK = "\ufeff"
_DEFAULT = "default"
_OVERRIDES = tuple(attribute.name for attribute in attrs.fields(APIOverrides))
_KEYS = (*TEXTS, *_OVERRIDES)


@frozen
class _File:
    """A configuration file, which need not exist.

    Attributes:
        path: Its path; ``None`` without a home directory.
        content: Its content; ``None`` if it does not exist.
        mode: Its permissions.
    """

    path: Path | None
    content: bytes | None = attrs.field(default=None, repr=False)
    mode: int = 0

    def __str__(self) -> str:
        if self.path is None:
            return "a file named by config_file or PROV_CONFIG_FILE"
        return str(self.path)


def from_file(config_file: str | os.PathLike[str] | None, profile: str | None) -> Settings:
    """Read a profile.

    Args:
        config_file: The file; by default the one that the environment names, or the user's.
        profile: The name of the profile; by default the one that the environment names, or
            "default", if it exists.

    Returns:
        The settings of the profile; empty if none is named and "default" does not exist.

    Raises:
        ConfigError: If the named file or profile does not exist, or the file cannot be used.
    """
    file = _find(config_file)
    profiles = _profiles(file)
    name = profile if profile is not None else variable("PROV_PROFILE")
    if name is None:
        name = _DEFAULT
        profiles.setdefault(name, Settings(where=_where(file, name)))
    if name not in profiles:
        raise ConfigError(_missing_profile(file, name, list(profiles)))
    return _resolve_path(file, profiles[name])


def _where(file: _File, profile: str) -> str:
    return f"profile {profile!r} of {file}"


def _missing_profile(file: _File, name: str, existing: list[str]) -> str:
    if file.path is None:
        return f"profile {name!r} not found: without a home directory, no configuration file exists"
    if file.content is None:
        return f"profile {name!r} not found: the file {file.path} does not exist"
    known = ", ".join(map(repr, existing)) or "none"
    return f"{file.path} has no profile {name!r}; its profiles: {known}"


def _find(config_file: str | os.PathLike[str] | None) -> _File:
    given: object = config_file
    if given is not None and not isinstance(given, str | os.PathLike):
        raise ConfigError(f"config_file must be a path, not {type(given).__name__}")
    named_by = "config_file" if config_file is not None else "PROV_CONFIG_FILE"
    named = config_file if config_file is not None else variable("PROV_CONFIG_FILE")
    if named is not None:
        file = _read(_expand_user(Path(named), named_by).absolute())
        if file.content is None:
            raise ConfigError(f"{named_by} names {file.path}, which does not exist")
        return file
    import platformdirs  # noqa: PLC0415  (not needed if a file is named)

    try:
        path = platformdirs.user_config_path("prov-facade") / "config.toml"
    except RuntimeError:
        return _File(None)
    # Without a home directory, older versions return a path relative to the working directory.
    if not path.is_absolute():
        return _File(None)
    try:
        path.stat()
    except PermissionError:
        # In a container, the home directory may belong to another user.
        return _File(path)
    except OSError:
        pass  # reported when the file is read
    return _read(path)


def _read(path: Path) -> _File:
    try:
        with path.open("rb") as opened:
            return _File(path, opened.read(), os.fstat(opened.fileno()).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return _File(path)
    except OSError as error:
        raise ConfigError(f"could not read {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise ConfigError(f"{str(path)!r} is not a path: {error}") from error


def _expand_user(path: Path, where: str) -> Path:
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise ConfigError(f"{where}: {str(path)!r} needs a home directory") from error


def _profiles(file: _File) -> dict[str, Settings]:
    """Parse all profiles: an error in any of them is an error in the file."""
    tables = _table(f"{file}: ", "profiles", _parse(file).get("profiles", {}))
    profiles = {name: _settings(file, name, table) for name, table in tables.items()}
    _check_privacy(file, profiles)
    return profiles


def _parse(file: _File) -> dict[str, object]:
    if file.content is None:
        return {}
    try:
        # Some editors write a byte order mark.
        text = file.content.decode().removeprefix(_BYTE_ORDER_MARK)
        document: dict[str, object] = tomllib.loads(text)
    except UnicodeDecodeError:
        fault = "it is not UTF-8"
    except RecursionError:
        fault = "it is nested too deeply"
    except ValueError as error:
        fault = str(error)
    else:
        for key in document:
            if key != "profiles":
                raise ConfigError(f"{file}: unknown key {key!r}; only [profiles.NAME] is allowed")
        return document
    # Raised outside the handlers, whose errors may contain the whole file.
    raise ConfigError(f"{file} is not valid TOML: {fault}")


def _table(where: str, name: str, value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ConfigError(f"{where}{name} must be a table, not {type(value).__name__}")
    return value


def _settings(file: _File, profile: str, value: object) -> Settings:
    where = _where(file, profile)
    table = _table("", where, value)
    for key in table:
        if key not in _KEYS:
            raise ConfigError(f"{where}: unknown key {key!r}; the keys are: {', '.join(_KEYS)}")
    texts = {key: _text(where, key, table) for key in _KEYS if key != "allow_http"}
    values: dict[str, Any] = {name: texts[name] for name in TEXTS}
    return Settings(where=where, api_overrides=_overrides(where, table, texts), **values)


def _text(where: str, key: str, table: dict[str, object]) -> str | None:
    value = table.get(key)
    if value is not None and not isinstance(value, str):
        raise ConfigError(f"{where}: {key} must be a string, not {type(value).__name__}")
    return value


def _resolve_path(file: _File, settings: Settings) -> Settings:
    """Make the path of the offline token independent of the working directory."""
    name = settings.offline_token_file
    if name is None or file.path is None:
        return settings
    path = _expand_user(Path(name), f"{settings.where}: offline_token_file")
    return attrs.evolve(settings, offline_token_file=file.path.parent / path)


def _overrides(
    where: str, table: dict[str, object], texts: dict[str, str | None]
) -> APIOverrides | None:
    if not any(key in table for key in _OVERRIDES):
        return None
    allow_http = table.get("allow_http", False)
    if not isinstance(allow_http, bool):
        raise ConfigError(
            f"{where}: allow_http must be true or false, not {type(allow_http).__name__}"
        )
    values: dict[str, Any] = {name: texts.get(name) for name in _OVERRIDES}
    values["allow_http"] = allow_http
    try:
        return APIOverrides(**values)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from error


def _check_privacy(file: _File, profiles: dict[str, Settings]) -> None:
    """Reject secrets in a file that other users can access."""
    fault = exposure(file.path, file.mode) if file.path is not None else None
    if fault is None:
        return
    for name, settings in profiles.items():
        for secret in SECRETS:
            if getattr(settings, secret) is not None:
                raise ConfigError(
                    f"{file} contains a secret ({secret} of profile {name!r}), {fault}"
                )
