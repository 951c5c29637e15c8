"""Where tokens are kept between one process and the next."""

from __future__ import annotations

import hashlib
import re
import time
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal, TypeAlias

import filelock
import msgspec
import platformdirs
from attrs import evolve, field, frozen

from prov_api_client.types import prepare
from prov_facade._auth.tokens import Tokens
from prov_facade._files.private import read_private, refuse_strangers, write_private
from prov_facade._runtime.cancellation import raise_if_abandoned
from prov_facade.errors import ConfigError, CredentialsError

CacheLike: TypeAlias = Literal["file", "keyring"] | Path | None
"""Where tokens are kept: ``"file"`` for a file in the user's state directory, a ``Path`` for one in
that directory, ``"keyring"`` for the keyring of the system, ``None`` for nowhere."""

_POLL_INTERVAL = 0.2
_ASIDE = ".damaged"
_LONGEST_WAIT = 120.0


class TokenCacheWarning(UserWarning):
    """Tokens cannot be kept, or what was kept cannot be used; signing in goes on without."""


@frozen
class Key:
    """What tokens are for.

    Attributes:
        realm: The address of the realm.
        client_id: The client.
        scope: The scope, its words in order.
        flow: The way to sign in.
        origin: A digest of the token that the user gave to sign in with, if one was given: for
            another one, these tokens are not meant.
    """

    realm: str
    client_id: str
    scope: str
    flow: str
    origin: str | None = None

    @property
    def name(self) -> str:
        """A file name that says something to a person, and is another one for another key."""
        told = f"{self.realm.partition('://')[2]}_{self.client_id}"
        whole = msgspec.json.encode(
            (self.realm, self.client_id, self.scope, self.flow, self.origin)
        )
        digest = hashlib.sha256(whole)
        return f"{re.sub(r'[^A-Za-z0-9.-]+', '_', told)[:100]}_{digest.hexdigest()[:16]}"


@frozen
class _Record:
    """Tokens, as they are written. What a later version adds is passed over."""

    version: Literal[1]
    realm: str
    client_id: str
    access_token: str = field(repr=False)
    obtained_at: float
    expires_in: float | None
    refresh_token: str | None = field(repr=False)


prepare(_Record)


class Cache(ABC):
    """Keeps the tokens of one key."""

    def __init__(self, key: Key) -> None:
        self.key = key

    @abstractmethod
    def load(self) -> Tokens | None:
        """Return what is kept.

        Raises:
            CredentialsError: If it may be known to others.
        """

    @abstractmethod
    def store(self, tokens: Tokens) -> bool:
        """Keep something, or warn that it cannot be kept, and say which."""

    @abstractmethod
    def clear(self) -> None:
        """Keep nothing."""

    @abstractmethod
    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until no other process is within, as a context.

        Raises:
            CredentialsError: If that takes so long that the other process must hang.
            AbandonedError: As soon as nobody waits for it any more.
        """

    def _encoded(self, tokens: Tokens) -> bytes:
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

    def _decoded(self, content: bytes) -> Tokens:
        """Read what was written.

        Raises:
            msgspec.MsgspecError: If it is not that.
            ValueError: If it is about something else.
        """
        record = msgspec.json.decode(content, type=_Record)
        if (record.realm, record.client_id) != (self.key.realm, self.key.client_id):
            raise ValueError("it is about another realm or client")
        return Tokens(
            record.access_token, record.refresh_token, record.obtained_at, record.expires_in
        )


class NoCache(Cache):
    """Keeps nothing."""

    def load(self) -> Tokens | None:
        """Return nothing."""
        return None

    def store(self, tokens: Tokens) -> bool:  # noqa: ARG002
        """Keep nothing."""
        return False

    def clear(self) -> None:
        """There is nothing to forget."""

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else can be within."""
        yield


class FileCache(Cache):
    """Keeps tokens in a file that only its owner can read.

    Args:
        key: What they are for.
        folder: Where; ``None`` if there is no such place. It is made when it is needed.
    """

    def __init__(self, key: Key, folder: Path | None) -> None:
        super().__init__(key)
        self._folder = folder

    @property
    def path(self) -> Path | None:
        """The file."""
        return None if self._folder is None else self._folder / f"{self.key.name}.json"

    def load(self) -> Tokens | None:
        """Return what is in the file; one that cannot be understood is set aside.

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
            _warn(f"{path} may not be read, so that signing in starts afresh")
            return None
        except OSError as error:
            raise CredentialsError(
                f"the tokens kept in {path} cannot be read ({error.strerror}): remove it, and sign"
                " in again"
            ) from error
        try:
            return self._decoded(content)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            self._set_aside(path)
            return None

    def store(self, tokens: Tokens) -> bool:
        """Write the file, whole or not at all."""
        path = self.path
        if path is None:
            _warn("there is no home directory to keep tokens in: the next process has none")
            return False
        try:
            self._make_folder(path.parent)
            self._check_folder(path.parent)
            write_private(path, self._encoded(tokens))
        except OSError as error:
            _warn(
                f"tokens cannot be kept in {path} ({error.strerror}): the next process has none,"
                " and a token that is good for one time is lost with this one"
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
            for path in (self.path, self.path.with_suffix(_ASIDE)):
                path.unlink(missing_ok=True)
        except NotADirectoryError:
            return
        except OSError as error:
            raise CredentialsError(
                f"the tokens kept in {self.path} cannot be removed ({error.strerror}): remove the"
                " file yourself"
            ) from error

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold a lock beside the file, if there can be one.

        Raises:
            CredentialsError: If another process holds it and does not give it back.
        """
        lock = self._lock()
        if lock is None:
            yield
            return
        try:
            yield
        finally:
            lock.release()

    def _lock(self) -> filelock.BaseFileLock | None:
        if self.path is None:
            return None
        try:
            self._make_folder(self.path.parent)
            lock = filelock.FileLock(self.path.with_suffix(".lock"), mode=0o600)
            ends = time.monotonic() + _LONGEST_WAIT
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
            # Where nothing can be written, or there are no locks, nobody else can write either, or
            # each process has to see for itself.
            return None
        raise CredentialsError(
            f"another process has been renewing tokens for {_LONGEST_WAIT:.0f} s, and holds"
            f" {lock.lock_file}: is it suspended? Let it go on, or end it"
        )

    def _make_folder(self, folder: Path) -> None:
        if folder.is_dir():
            return
        # The one above as well: whoever may change that could put another in its place.
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)

    def _check_folder(self, folder: Path) -> None:
        refuse_strangers(folder, folder.stat(), "chmod 700", writing_only=True)

    def _set_aside(self, path: Path) -> None:
        aside = path.with_suffix(_ASIDE)
        with suppress(OSError):
            path.replace(aside)
        _warn(f"{path} is damaged: it is now {aside.name}, and signing in starts afresh")


class KeyringCache(FileCache):
    """Keeps tokens in the keyring of the system; a file is used for the lock alone."""

    _SERVICE = "prov-facade"

    def load(self) -> Tokens | None:
        """Return what is in the keyring."""
        keyring = _keyring()
        try:
            content = keyring.get_password(self._SERVICE, self.key.name)
        except Exception as error:  # its backends have errors of all kinds
            raise _without_keyring(error) from error
        if content is None:
            return None
        try:
            return self._decoded(content.encode())
        except (msgspec.MsgspecError, ValueError, RecursionError):
            _warn("the keyring's entry is damaged, so that signing in starts afresh")
            return None

    def store(self, tokens: Tokens) -> bool:
        """Put tokens into the keyring."""
        keyring = _keyring()
        # The refresh token alone: some keyrings take no more than about 1,200 characters.
        content = self._encoded(evolve(tokens, access_token="", expires_in=0)).decode()
        try:
            keyring.set_password(self._SERVICE, self.key.name, content)
        except Exception as error:  # noqa: BLE001  (likewise)
            _warn(f"tokens cannot be kept in the keyring ({type(error).__name__})")
            return False
        return True

    def clear(self) -> None:
        """Remove the entry."""
        keyring = _keyring()
        try:
            keyring.delete_password(self._SERVICE, self.key.name)
        except keyring.errors.PasswordDeleteError:
            return  # there was none
        except Exception as error:
            raise _without_keyring(error) from error


def cache_for(key: Key, where: CacheLike) -> Cache:
    """Make the cache that the user asks for.

    Raises:
        ConfigError: If that is none.
    """
    if where is None:
        return NoCache(key)
    if isinstance(where, Path):
        try:
            return FileCache(key, where.expanduser().absolute())
        except RuntimeError as error:
            raise ConfigError(f"cache cannot be {where}: {error}") from error
    if where == "file":
        return FileCache(key, _state_folder())
    if where == "keyring":
        _keyring()  # which says at once if there is none
        return KeyringCache(key, _state_folder())
    raise ConfigError("cache must be 'file', 'keyring', None, or the pathlib.Path of a directory")


def _state_folder() -> Path | None:
    """The directory for tokens among the user's own; ``None`` if the user has none."""
    try:
        folder = platformdirs.user_state_path("prov-facade") / "tokens"
    except RuntimeError:
        return None  # there is no home
    # Older versions give one that begins with a "~", in the working directory.
    return folder if folder.is_absolute() else None


def _warn(message: str) -> None:
    warnings.warn(message, TokenCacheWarning, stacklevel=2)


def _keyring() -> Any:
    try:
        import keyring  # noqa: PLC0415  (of an extra)
        import keyring.errors  # noqa: PLC0415
    except ImportError as error:
        raise ConfigError(
            "cache='keyring' needs the package keyring: install prov-facade[keyring]"
        ) from error
    return keyring


def _without_keyring(error: Exception) -> CredentialsError:
    return CredentialsError(
        f"the keyring cannot be used ({type(error).__name__}): unlock it, or take another cache"
    )
