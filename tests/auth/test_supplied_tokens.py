"""Tokens as people paste and save them: with marks and quotes around, or in another encoding."""

from __future__ import annotations

import os
import subprocess
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from auth.support import CLIENT, offline_token
from hypothesis import given, settings
from hypothesis import strategies as st

from prov_facade import (
    APIOverrides,
    ClientCredentials,
    Config,
    ConfigError,
    CredentialsError,
    DeviceFlow,
    OfflineFlow,
)
from prov_facade._token_text import clean_token, decode_token
from prov_facade.sandbox import Sandbox

POSIX = pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions")

# What is certainly not part of a token, by name.
AROUND: dict[str, str] = {
    "byte order mark": "\ufeffTOKEN",
    "line ends": "\r\n TOKEN\u00a0\r\n",
    "double quotes": '"TOKEN"\n',
    "single quotes": "'TOKEN'",
    "typographic quotes": "\u201cTOKEN\u201d",
    "zero-width space": "\u200bTOKEN\u200b\n",
    "zero-width inside": "TO\u200bK\u2060EN",
    "variable": "PROV_OFFLINE_TOKEN=TOKEN\n",
    "shell": "\ufeffexport PROV_OFFLINE_TOKEN='TOKEN';\n",
    "ini": 'offline_token = "TOKEN"',
    "scheme": "Bearer TOKEN",
    "header": '"bearer TOKEN",',
}

ENCODINGS: dict[str, Callable[[str], bytes]] = {
    "utf-8": lambda text: text.encode(),
    "utf-16 with a mark": lambda text: text.encode("utf-16"),
    "utf-16-be with a mark": lambda text: f"\ufeff{text}".encode("utf-16-be"),
    "utf-16-le without a mark": lambda text: text.encode("utf-16-le"),
    "utf-16-be without a mark": lambda text: text.encode("utf-16-be"),
}

# What remains is refused, with the reason.
REFUSED: dict[str, tuple[str, str]] = {
    "quotes only": ('""', "is empty"),
    "name only": ("PROV_OFFLINE_TOKEN=\n", "is empty"),
    "space": ("two words", "contains a space"),
    "lines": ("one\ntwo", "contains a line break"),
    "dash": ("to\u2013ken", "contains EN DASH (U+2013)"),
    "ellipsis": ("tok\u2026", "contains HORIZONTAL ELLIPSIS (U+2026)"),
    "soft hyphen": ("to\u00adken", "contains SOFT HYPHEN (U+00AD)"),
    "letter": ("tok\u00e9n", "contains LATIN SMALL LETTER E WITH ACUTE (U+00E9)"),
    "escape": ("\x1b[200~token", "contains a control character (U+001B)"),
    "JSON": ('{"refresh_token":"token"}', "contains LEFT CURLY BRACKET (U+007B)"),
    "placeholder": ("<token>", "contains LESS-THAN SIGN (U+003C)"),
    "quote inside": ("tok'en", "contains APOSTROPHE (U+0027)"),
}


def token_file(folder: Path, content: bytes, mode: int = 0o600) -> Path:
    path = folder / "token file"
    path.write_bytes(content)
    path.chmod(mode)
    return path


def refused(auth: OfflineFlow, sandbox: Sandbox) -> str:
    """Return the message for a token that is not sent."""
    with pytest.raises(CredentialsError) as caught:
        auth.get_token()
    assert sandbox.requests == []
    return str(caught.value)


# What is stripped


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le without a mark"])
def test_a_file_with_more_than_a_token_signs_in(
    around: str, encoding: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    text = AROUND[around].replace("TOKEN", "{}").replace("PROV_OFFLINE_{}", "PROV_OFFLINE_TOKEN")
    token = offline_token(sandbox, tmp_path)
    text = text.format(token) if "inside" not in around else f"{token[:9]}\u200b{token[9:]}"
    path = token_file(tmp_path, ENCODINGS[encoding](text))
    assert OfflineFlow(sandbox.config, CLIENT, offline_token_file=path).get_token()


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_file_may_be_utf_8_or_utf_16(encoding: str, sandbox: Sandbox, tmp_path: Path) -> None:
    token = offline_token(sandbox, tmp_path)
    path = token_file(tmp_path, ENCODINGS[encoding](f"{token}\r\n"))
    assert OfflineFlow(sandbox.config, CLIENT, offline_token_file=path).get_token()


@pytest.mark.parametrize("place", ["argument", "variable"])
def test_a_variable_and_an_argument_are_stripped_like_a_file(
    place: str, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"\ufeffPROV_OFFLINE_TOKEN='{offline_token(sandbox, tmp_path)}'\n"
    if place == "variable":
        monkeypatch.setenv("PROV_OFFLINE_TOKEN", text)
    given: dict[str, Any] = {"offline_token": text} if place == "argument" else {}
    assert OfflineFlow(sandbox.config, CLIENT, **given).get_token()


# What is refused


@pytest.mark.parametrize("kind", REFUSED)
def test_a_file_with_something_else_is_refused_by_name(
    kind: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    text, reason = REFUSED[kind]
    path = token_file(tmp_path, text.encode())
    message = refused(OfflineFlow(sandbox.config, CLIENT, offline_token_file=path), sandbox)
    assert message == f"{path} must contain an offline token and nothing else, but it {reason}"


@pytest.mark.parametrize(
    "content", [b"\xfftok", b"to\xe9ken", b"t\0o\0k", "t".encode("utf-32"), b"\xff\xfe"]
)
def test_a_file_in_another_encoding_is_refused(
    content: bytes, sandbox: Sandbox, tmp_path: Path
) -> None:
    path = token_file(tmp_path, content)
    auth = OfflineFlow(sandbox.config, CLIENT, offline_token_file=path)
    message = refused(auth, sandbox)
    assert any(reason in message for reason in ("is not text", "is empty", "(U+0000)")), message


@pytest.mark.parametrize("kind", REFUSED)
def test_a_variable_with_something_else_is_refused_by_name(
    kind: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, reason = REFUSED[kind]
    monkeypatch.setenv("PROV_OFFLINE_TOKEN", text)
    message = refused(OfflineFlow(sandbox.config, CLIENT), sandbox)
    assert message == f"PROV_OFFLINE_TOKEN must be an offline token, but it {reason}"


@pytest.mark.parametrize("kind", REFUSED)
def test_an_argument_with_something_else_is_a_configuration_error(
    kind: str, sandbox: Sandbox
) -> None:
    text, reason = REFUSED[kind]
    with pytest.raises(ConfigError) as caught:
        OfflineFlow(sandbox.config, CLIENT, offline_token=text)
    assert str(caught.value) == f"offline_token must be an offline token, but it {reason}"


def test_a_variable_with_undecodable_bytes_is_refused(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROV_OFFLINE_TOKEN", "tok\udce9n")
    message = refused(OfflineFlow(sandbox.config, CLIENT), sandbox)
    assert "PROV_OFFLINE_TOKEN must be an offline token, but it contains a byte that is" in message


@pytest.mark.parametrize("name", ["client_id", "client_secret", "scope"])
def test_undecodable_bytes_are_a_configuration_error(name: str, sandbox: Sandbox) -> None:
    given: dict[str, Any] = {"client_id": "c", "client_secret": "s", name: "hush\udce9"}
    for make in (
        lambda: DeviceFlow(sandbox.config, **given),
        lambda: OfflineFlow(sandbox.config, offline_token="t", **given),
        lambda: ClientCredentials(sandbox.config, **given),
    ):
        with pytest.raises(ConfigError) as caught:
            make()
        assert str(caught.value) == f"{name} contains a byte that is not UTF-8"
        assert "hush" not in "".join(traceback.format_exception(caught.value))


def test_undecodable_bytes_in_the_addresses_are_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match="is not the name of a Keycloak realm"):
        Config("prov.test", "r\udce9")
    with pytest.raises(ConfigError, match="is not a domain"):
        Config("prov\udce9.test", "r")
    with pytest.raises(ConfigError, match="must be an absolute"):
        APIOverrides(keycloak_endpoint_override="https://prov.test/\udce9")


@pytest.mark.parametrize(
    ("name", "reason"), [("tok\0en", "null byte"), ("\ud800", "can't encode"), ("", "directory")]
)
def test_a_path_that_cannot_be_opened_is_refused(
    name: str, reason: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    auth = OfflineFlow(sandbox.config, CLIENT, offline_token_file=tmp_path / name)
    message = refused(auth, sandbox)
    assert message.startswith(f"cannot read the offline token in {tmp_path}")
    assert reason in message


# Who may read the file


@POSIX
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o644, 0o666])
def test_a_file_that_others_can_access_is_refused(
    mode: int, sandbox: Sandbox, tmp_path: Path
) -> None:
    path = token_file(tmp_path, offline_token(sandbox, tmp_path).encode(), mode)
    sandbox.clear_requests()
    auth = OfflineFlow(sandbox.config, CLIENT, offline_token_file=path)
    message = refused(auth, sandbox)
    assert message == (
        f"{path} contains an offline token, but others can read or change it: its mode is"
        f" {mode:04o}. Fix it with: chmod 600 '{path}'"
    )
    subprocess.run(message.partition("Fix it with: ")[2], shell=True, check=True)  # noqa: S602
    assert auth.get_token()


@POSIX
@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700, 0o711])
def test_a_file_that_only_its_owner_can_access_is_used(
    mode: int, sandbox: Sandbox, tmp_path: Path
) -> None:
    path = token_file(tmp_path, offline_token(sandbox, tmp_path).encode(), mode)
    assert OfflineFlow(sandbox.config, CLIENT, offline_token_file=path).get_token()


# Any content


@pytest.mark.parametrize("token", ["YWJjZA==", "abcToken=", "a.b-c~d+e/f_", "a!b*c$d:e", "x"])
def test_a_token_of_another_form_is_not_changed(token: str) -> None:
    assert clean_token(token) == token


JWT = st.text("abcXYZ019-_", min_size=4, max_size=30).map(lambda part: f"{part}.{part}.{part}")
BLANK = st.text(" \t\r\n\u00a0\u3000\u200b\u200d\u2060\ufeff", max_size=4)
QUOTES = st.sampled_from(["", '"', "'", "`"])
NAME = st.sampled_from(["", "PROV_OFFLINE_TOKEN=", "export T=", "token = ", "Bearer "])
QUICK = settings(max_examples=300, derandomize=True, deadline=None, database=None)


@QUICK
@given(JWT, BLANK, NAME, QUOTES, BLANK, st.sampled_from([*ENCODINGS]))
def test_a_token_is_found_among_what_is_around_it(  # noqa: PLR0917
    token: str, before: str, name: str, quote: str, after: str, encoding: str
) -> None:
    text = f"{before}{name}{quote}{token}{quote}{after}"
    assert clean_token(decode_token(ENCODINGS[encoding](text))) == token


@QUICK
@given(st.binary(max_size=40) | st.text(max_size=40).map(str.encode))
def test_any_content_is_a_token_for_a_header_or_refused(content: bytes) -> None:
    error = token = None
    try:
        token = clean_token(decode_token(content))
    except ValueError as raised:
        error = raised
    if token is not None:
        assert token.isascii()
        assert token.isprintable()
        assert clean_token(token) == token
    else:
        # Not a UnicodeError, which contains the whole text.
        assert type(error) is ValueError
        assert error.__cause__ is error.__context__ is None
