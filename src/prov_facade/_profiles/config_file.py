"""Reads the file in which people keep the deployments that they use."""

from __future__ import annotations

import os
import shlex
import stat
import tomllib
from pathlib import Path

import attrs
import platformdirs
from attrs import define

from prov_facade._profiles.settings import SECRETS, Settings, variable
from prov_facade.config import APIOverrides
from prov_facade.errors import ConfigError

_BYTE_ORDER_MARK = "\ufeff"
_DEFAULT = "default"
_OVERRIDES = tuple(attribute.name for attribute in attrs.fields(APIOverrides))
_KEYS = (
    *("domain", "realm", "client_id", "scope", "offline_token_file", *SECRETS),
    *_OVERRIDES,
)
_OTHERS = stat.S_IRGRP | stat.S_IWGRP | stat.S_IROTH | stat.S_IWOTH


@define
class _File:
    """A file that was looked for.

    Attributes:
        path: Where; ``None`` if there is no place for it.
        content: What is in it; ``None`` if it is not there.
        mode: Its permissions.
    """

    path: Path | None
    content: bytes | None = attrs.field(default=None, repr=False)
    mode: int = 0

    def __str__(self) -> str:
        if self.path is None:
            return "a file that config_file or PROV_CONFIG_FILE names"
        return str(self.path)


def from_file(config_file: str | os.PathLike[str] | None, profile: str | None) -> Settings:
    """Read a profile.

    Args:
        config_file: The file; by default the one that the environment names, or that of the user.
        profile: The name of the profile; by default the one that the environment names, or the one
            named "default", if there is one.

    Returns:
        What the profile says: nothing, if none is named and there is none named "default".

    Raises:
        ConfigError: If what is named is not there, or if something in the file cannot be used.
    """
    file = _found(config_file)
    profiles = _profiles(file)
    name = profile if profile is not None else variable("PROV_PROFILE")
    if name is None:
        name = _DEFAULT
        profiles.setdefault(name, Settings(where=_place(file, name)))
    if name not in profiles:
        raise ConfigError(_no_profile(file, name, list(profiles)))
    return _located(file, profiles[name])


def _place(file: _File, profile: str) -> str:
    return f"profile {profile!r} of {file}"


def _no_profile(file: _File, name: str, there_are: list[str]) -> str:
    if file.path is None:
        return f"there is no profile {name!r}: without a home directory, there is no file of them"
    if file.content is None:
        return f"there is no profile {name!r}: there is no file {file.path}"
    known = ", ".join(map(repr, there_are)) or "none"
    return f"{file.path} has no profile {name!r}; there are: {known}"


def _found(config_file: str | os.PathLike[str] | None) -> _File:
    """Look for the file."""
    given: object = config_file
    if given is not None and not isinstance(given, str | os.PathLike):
        raise ConfigError(f"config_file must be a path, not {type(given).__name__}")
    named_by = "config_file" if config_file is not None else "PROV_CONFIG_FILE"
    named = config_file if config_file is not None else variable("PROV_CONFIG_FILE")
    if named is not None:
        file = _read(_without_tilde(Path(named), named_by).absolute())
        if file.content is None:
            raise ConfigError(f"{named_by} names {file.path}, which is not there")
        return file
    try:
        path = platformdirs.user_config_path("prov-facade") / "config.toml"
    except RuntimeError:
        return _File(None)
    # Older versions give a relative one without a home, which would be looked for wherever the
    # program happens to run.
    if not path.is_absolute():
        return _File(None)
    try:
        path.stat()
    except PermissionError:
        # A container's user may have a home that is somebody else's: nothing there is the user's.
        return _File(path)
    except OSError:
        pass  # reading says why
    return _read(path)


def _read(path: Path) -> _File:
    try:
        with path.open("rb") as opened:
            return _File(path, opened.read(), os.fstat(opened.fileno()).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return _File(path)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise ConfigError(f"{str(path)!r} is no path: {error}") from error


def _without_tilde(path: Path, where: str) -> Path:
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise ConfigError(f"{where}: {str(path)!r} needs a home directory") from error


def _profiles(file: _File) -> dict[str, Settings]:
    """Read all the profiles, since what is wrong with another one is wrong with the file."""
    tables = _table(f"{file}: ", "profiles", _parsed(file).get("profiles", {}))
    profiles = {name: _settings(file, name, given) for name, given in tables.items()}
    _check_privacy(file, profiles)
    return profiles


def _parsed(file: _File) -> dict[str, object]:
    if file.content is None:
        return {}
    try:
        # Some editors begin a file with a byte order mark.
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
                raise ConfigError(f"{file} knows no {key!r}: it holds tables [profiles.NAME] alone")
        return document
    # Raised out here: in there, an error that may hold the whole file would be kept with it.
    raise ConfigError(f"{file} is not usable TOML: {fault}")


def _table(where: str, name: str, value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ConfigError(f"{where}{name} must be a table, not {type(value).__name__}")
    return value


def _settings(file: _File, profile: str, given: object) -> Settings:
    where = _place(file, profile)
    table = _table("", where, given)
    for key in table:
        if key not in _KEYS:
            raise ConfigError(f"{where}: there is no key {key!r}; there are: {', '.join(_KEYS)}")
    texts = {key: _text(where, key, table) for key in _KEYS if key != "allow_http"}
    return Settings(
        where=where,
        domain=texts["domain"],
        realm=texts["realm"],
        client_id=texts["client_id"],
        scope=texts["scope"],
        token=texts["token"],
        offline_token=texts["offline_token"],
        offline_token_file=texts["offline_token_file"],
        client_secret=texts["client_secret"],
        api_overrides=_overrides(where, table, texts),
    )


def _text(where: str, key: str, table: dict[str, object]) -> str | None:
    value = table.get(key)
    if value is not None and not isinstance(value, str):
        raise ConfigError(f"{where}: {key} must be a string, not {type(value).__name__}")
    return value


def _located(file: _File, settings: Settings) -> Settings:
    """Say where files are, wherever the program goes afterwards."""
    given = settings.offline_token_file
    if given is None or file.path is None:
        return settings
    path = _without_tilde(Path(given), f"{settings.where}: offline_token_file")
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
    try:
        return APIOverrides(
            prov_api_endpoint_override=texts["prov_api_endpoint_override"],
            jobs_service_api_endpoint_override=texts["jobs_service_api_endpoint_override"],
            registry_api_endpoint_override=texts["registry_api_endpoint_override"],
            keycloak_endpoint_override=texts["keycloak_endpoint_override"],
            allow_http=allow_http,
        )
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from error


def _check_privacy(file: _File, profiles: dict[str, Settings]) -> None:
    """Refuse a file with secrets in it that others can get at, as ssh refuses such keys."""
    if os.name != "posix" or not file.mode & _OTHERS:
        return
    for name, settings in profiles.items():
        for secret in SECRETS:
            if getattr(settings, secret) is not None:
                raise ConfigError(
                    f"{file} holds a secret ({secret} of profile {name!r}), and others can read or"
                    f" change it: its permissions are {stat.S_IMODE(file.mode):04o}. Mend it with:"
                    f" chmod 600 {shlex.quote(str(file))}"
                )
