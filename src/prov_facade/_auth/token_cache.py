"""Stores tokens for the next process, in a file or in the keyring."""

from __future__ import annotations

import hashlib
import re
import time
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec
from attrs import evolve, field, frozen

from prov_api_client.types import prepare
from prov_facade._auth.tokens import Tokens
from prov_facade._files.private import check_permissions, read_private, write_private
from prov_facade._runtime.cancellation import raise_if_abandoned
from prov_facade.errors import ConfigError, CredentialsError

if TYPE_CHECKING:
    import filelock

CacheLike: TypeAlias = Literal["file", "keyring"] | Path | None
"""Where tokens are stored: ``"file"`` for a file in the user's state directory, a ``Path`` for
another directory, ``"keyring"`` for the system's keyring, ``None`` for no cache."""

_POLL_INTERVAL = 0.2
_DAMAGED = ".damaged"
_LOCK_TIMEOUT = 120.0


class TokenCacheWarning(UserWarning):
    """Tokens cannot be cached, or the cache cannot be used; signing in continues without it."""


@frozen
class CacheKey:
    """Identifies cached tokens.

    Attributes:
        realm: The address of the realm.
        client_id: The client.
        scope: The scope, its words sorted.
        flow: The flow.
        source: A digest of the token that the user supplied, if any. Tokens cached for one are not
            used for another.
    """

    realm: str
    client_id: str
    scope: str
    flow: str
    source: str | None = None

    @property
    def name(self) -> str:
        """A human-readable file name, unique for each key."""
        readable = f"{self.realm.partition('://')[2]}_{self.client_id}"
        whole = msgspec.json.encode(
            (self.realm, self.client_id, self.scope, self.flow, self.source)
        )
        digest = hashlib.sha256(whole)
        return f"{re.sub(r'[^A-Za-z0-9.-]+', '_', readable)[:100]}_{digest.hexdigest()[:16]}"


@frozen
class _Record:
    """Stored tokens. Fields that a later version adds are ignored."""

    version: Literal[1]
    realm: str
    client_id: str
    access_token: str = field(repr=False)
    obtained_at: float
    expires_in: float | None
    refresh_token: str | None = field(repr=False)


prepare(_Record)


class Cache(ABC):
    """Stores the tokens of one key."""

    def __init__(self, key: CacheKey) -> None:
        self.key = key

    @abstractmethod
    def load(self) -> Tokens | None:
        """Return the cached tokens.

        Raises:
            CredentialsError: If other users may have read them.
        """

    @abstractmethod
    def store(self, tokens: Tokens) -> bool:
        """Store tokens, or warn, and return whether they were stored."""

    @abstractmethod
    def clear(self) -> None:
        """Remove the cached tokens."""

    @abstractmethod
    @contextmanager
    def lock(self) -> Iterator[None]:
        """Exclude other processes, as a context manager.

        Raises:
            CredentialsError: If another process holds the lock for too long, and probably hangs.
            AbandonedError: As soon as the caller no longer waits.
        """

    def _encode(self, tokens: Tokens) -> bytes:
        return msgspec.json.encode(
            _Record(
                version=1,
                realm=self.key.realm,
                client_id=self.key.client_id,
                access_token=tokens.access_token,
                obtained_at=tokens.obtained_at,
                expires_in=tokens.expires_in,
                refresh_token=tokens.refresh_token,
            )
        )

    def _decode(self, content: bytes) -> Tokens:
        """Decode stored tokens.

        Raises:
            msgspec.MsgspecError: If the content is malformed.
            ValueError: If it belongs to something else.
        """
        record = msgspec.json.decode(content, type=_Record)
        if (record.realm, record.client_id) != (self.key.realm, self.key.client_id):
            raise ValueError("it belongs to another realm or client")
        return Tokens(
            record.access_token, record.refresh_token, record.obtained_at, record.expires_in
        )


class NoCache(Cache):
    """Stores nothing."""

    def load(self) -> Tokens | None:
        """Return ``None``."""
        return None

    def store(self, tokens: Tokens) -> bool:  # noqa: ARG002
        """Store nothing."""
        return False

    def clear(self) -> None:
        """Do nothing."""

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Do nothing: no other process shares these tokens."""
        yield


class FileCache(Cache):
    """Stores tokens in a file that only its owner can read.

    Args:
        key: Identifies the tokens.
        folder: The directory, created when needed; ``None`` for no directory.
    """

    def __init__(self, key: CacheKey, folder: Path | None) -> None:
        super().__init__(key)
        self._folder = folder

    @property
    def path(self) -> Path | None:
        """The file."""
        return None if self._folder is None else self._folder / f"{self.key.name}.json"

    def load(self) -> Tokens | None:
        """Return the tokens in the file. A damaged file is set aside.

        Raises:
            CredentialsError: If others may have read or changed it, or it cannot be read.
        """
        path = self.path
        if path is None:
            return None
        try:
            self._check_folder(path.parent)
            content = read_private(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except PermissionError:
            _warn(f"no permission to read {path}: a new login is needed")
            return None
        except OSError as error:
            raise CredentialsError(
                f"could not read the tokens in {path} ({error.strerror}): remove it, and sign in"
                " again"
            ) from error
        try:
            return self._decode(content)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            self._set_aside(path)
            return None

    def store(self, tokens: Tokens) -> bool:
        """Write the file atomically."""
        path = self.path
        if path is None:
            _warn(
                "tokens were not cached, since there is no home directory: the next process has to"
                " sign in again"
            )
            return False
        try:
            self._make_folder(path.parent)
            self._check_folder(path.parent)
            write_private(path, self._encode(tokens))
        except OSError as error:
            _warn(
                f"tokens could not be cached in {path} ({error.strerror}): the next process has to"
                " sign in again, and a single-use refresh token is lost"
            )
            return False
        return True

    def clear(self) -> None:
        """Remove the file.

        Raises:
            CredentialsError: If it cannot be removed.
        """
        if self.path is None:
            return
        try:
            for path in (self.path, self.path.with_suffix(_DAMAGED)):
                path.unlink(missing_ok=True)
        except NotADirectoryError:
            return
        except OSError as error:
            raise CredentialsError(
                f"could not remove the tokens in {self.path} ({error.strerror}): remove the file"
                " yourself"
            ) from error

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold a lock file next to the file, if possible.

        Raises:
            CredentialsError: If another process does not release it.
        """
        lock = self._acquire_lock()
        if lock is None:
            yield
            return
        try:
            yield
        finally:
            lock.release()

    def _acquire_lock(self) -> filelock.BaseFileLock | None:
        if self.path is None:
            return None
        import filelock  # noqa: PLC0415  (many programs never sign in)

        try:
            self._make_folder(self.path.parent)
            lock = filelock.FileLock(self.path.with_suffix(".lock"), mode=0o600)
            ends = time.monotonic() + _LOCK_TIMEOUT
            while True:
                try:
                    lock.acquire(timeout=_POLL_INTERVAL, poll_interval=_POLL_INTERVAL / 10)
                except filelock.Timeout:
                    raise_if_abandoned()
                else:
                    return lock
                if time.monotonic() > ends:
                    break
        except (OSError, NotImplementedError):
            # If nothing can be written here, other processes cannot write either. Without support
            # for locks, processes cannot coordinate.
            return None
        raise CredentialsError(
            f"another process has held {lock.lock_file} for {_LOCK_TIMEOUT:.0f} s: it may be"
            " suspended while it refreshes tokens. Resume it, or end it"
        )

    def _make_folder(self, folder: Path) -> None:
        if folder.is_dir():
            return
        # The parent as well: anyone who can change it could replace the directory.
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)

    def _check_folder(self, folder: Path) -> None:
        check_permissions(folder, folder.stat(), "chmod 700", allow_reading=True)

    def _set_aside(self, path: Path) -> None:
        aside = path.with_suffix(_DAMAGED)
        with suppress(OSError):
            path.replace(aside)
        _warn(f"{path} is damaged and was renamed {aside.name}: a new login is needed")


class KeyringCache(FileCache):
    """Stores tokens in the system's keyring; only the lock is a file."""

    _SERVICE = "prov-facade"

    def load(self) -> Tokens | None:
        """Return the tokens in the keyring."""
        keyring = _keyring()
        try:
            content = keyring.get_password(self._SERVICE, self.key.name)
        except Exception as error:  # backends raise errors of all kinds
            raise _keyring_error(error) from error
        if content is None:
            return None
        try:
            return self._decode(content.encode())
        except (msgspec.MsgspecError, ValueError, RecursionError):
            _warn("the entry in the keyring is damaged: a new login is needed")
            return None

    def store(self, tokens: Tokens) -> bool:
        """Store the refresh token in the keyring."""
        keyring = _keyring()
        # Without the access token: some keyrings store at most about 1,200 characters.
        content = self._encode(evolve(tokens, access_token="", expires_in=0)).decode()
        try:
            keyring.set_password(self._SERVICE, self.key.name, content)
        except Exception as error:  # noqa: BLE001  (as above)
            _warn(f"tokens could not be stored in the keyring ({type(error).__name__})")
            return False
        return True

    def clear(self) -> None:
        """Remove the entry."""
        keyring = _keyring()
        try:
            keyring.delete_password(self._SERVICE, self.key.name)
        except keyring.errors.PasswordDeleteError:
            return  # there is no entry
        except Exception as error:
            raise _keyring_error(error) from error


def cache_for(key: CacheKey, where: CacheLike) -> Cache:
    """Return the cache that the user chose.

    Raises:
        ConfigError: If it is not a cache.
    """
    if where is None:
        return NoCache(key)
    if isinstance(where, Path):
        try:
            return FileCache(key, where.expanduser().absolute())
        except RuntimeError as error:
            raise ConfigError(f"cache {where} cannot be used: {error}") from error
    if where == "file":
        return FileCache(key, _state_folder())
    if where == "keyring":
        _keyring()  # raises at once if it is not installed
        return KeyringCache(key, _state_folder())
    raise ConfigError("cache must be 'file', 'keyring', None, or the pathlib.Path of a directory")


def _state_folder() -> Path | None:
    """Return the directory for tokens; ``None`` without a home directory."""
    import platformdirs  # noqa: PLC0415  (many programs never sign in)

    try:
        folder = platformdirs.user_state_path("prov-facade") / "tokens"
    except RuntimeError:
        return None
    # Older versions return "~/...", which would be in the working directory.
    return folder if folder.is_absolute() else None


def _warn(message: str) -> None:
    warnings.warn(message, TokenCacheWarning, stacklevel=2)


def _keyring() -> Any:
    try:
        import keyring  # noqa: PLC0415  (an optional dependency)
        import keyring.errors  # noqa: PLC0415
    except ImportError as error:
        raise ConfigError(
            "cache='keyring' needs the package keyring: install prov-facade[keyring]"
        ) from error
    return keyring


def _keyring_error(error: Exception) -> CredentialsError:
    return CredentialsError(
        f"the keyring cannot be used ({type(error).__name__}): unlock it, or choose another cache"
    )
