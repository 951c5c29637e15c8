"""Settings are checked when they are given, by clients, auth managers, policies and methods."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pydantic
import pydantic.v1
import pytest
from clients import BOTH, TOKEN, ClientKind, client_for, failure, new, run
from python_process import run_python
from sample_calls import RECORD, REPORT
from scripted_server import Received, Server, json_reply

from prov_facade import (
    APIOverrides,
    BearerToken,
    ClientCredentials,
    Config,
    ConfigError,
    DeviceFlow,
    InvalidRequestError,
    OfflineFlow,
    PollPolicy,
    ProvClient,
    RetryPolicy,
    models,
)

CONFIG = Config("prov.test", "provena")
AUTH = BearerToken(TOKEN)
SESSION = "7f0c1a52-1c1e-4c3d-9a64-2f1f5a3f8f11"
HEALTH_REPLY = json_reply({"message": "Up."})

AUTH_MANAGERS: dict[str, Callable[..., object]] = {
    "device": partial(DeviceFlow, CONFIG, "notebooks"),
    "offline": partial(OfflineFlow, CONFIG, "notebooks", offline_token="t"),
    "client": partial(ClientCredentials, CONFIG, "nightly", "secret"),
}

# Settings that clients and auth managers share, and the name that the error begins with.
SHARED: list[tuple[dict[str, Any], str]] = [
    *(({"timeout": value}, "timeout must be") for value in (math.inf, math.nan, 1e10, "30", None)),
    *(({"verify": value}, "verify must be") for value in (False, True, "", 3, b"bundle.pem")),
    *(
        ({"proxy": value}, "proxy must be")
        for value in (
            *(3, "", b"http://h", "host", "ftp://h", "http://", "http://[h", "http://h:99999"),
            *("http://h/path", "http://h?query", "http://h#fragment", "http://h h"),
        )
    ),
]
NOT_NUMBERS: list[Any] = [math.nan, math.inf, -1, 1e10, "1"]
WRONG_LIMITS: dict[str, list[Any]] = {
    "max_connections": [-1, 0, 1.5, "3", True],
    "max_keepalive_connections": [-1, 1.5, "3"],
    "keepalive_expiry": [-1, math.nan, "3"],
}
NOT_POLICIES: list[Any] = [{}, 3, PollPolicy, RetryPolicy]
CLIENT_SETTINGS: list[tuple[dict[str, Any], str]] = [
    *SHARED,
    *(
        ({"timeout": httpx.Timeout(5, **{phase: value})}, f"timeout.{phase} must be")
        for phase in ("connect", "read", "write", "pool")
        for value in NOT_NUMBERS
    ),
    ({"timeout": httpx.Timeout(0)}, "timeout.connect must be"),
    *(
        ({"limits": httpx.Limits(**{name: value})}, f"limits.{name} must be")
        for name, values in WRONG_LIMITS.items()
        for value in values
    ),
    *(
        ({"event_hooks": value}, "event_hooks must be")
        for value in (3, [print], {"requests": [print]}, {"request": print}, {"response": [3]})
    ),
    *(({"polling": value}, "polling must be") for value in NOT_POLICIES),
    *(({"retries": value}, "retries must be") for value in NOT_POLICIES),
]


def ids(settings: list[tuple[dict[str, Any], str]]) -> list[str]:
    return [str(setting) for setting, _ in settings]


@BOTH
@pytest.mark.parametrize(("setting", "message"), CLIENT_SETTINGS, ids=ids(CLIENT_SETTINGS))
def test_a_client_rejects_an_invalid_setting(setting: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        new(ProvClient, AUTH, CONFIG, **setting)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("manager", AUTH_MANAGERS)
@pytest.mark.parametrize(("setting", "message"), SHARED, ids=ids(SHARED))
def test_an_auth_manager_rejects_an_invalid_setting(
    setting: dict[str, Any], message: str, manager: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        AUTH_MANAGERS[manager](**setting)
    assert str(caught.value).startswith(message)


@BOTH
@pytest.mark.parametrize(
    "setting",
    [
        {"timeout": httpx.Timeout(5, pool=0)},
        {"timeout": httpx.Timeout(None)},
        {"timeout": 30 * 24 * 3600 / 2},
        {"limits": httpx.Limits()},
        {"limits": httpx.Limits(max_keepalive_connections=0, keepalive_expiry=0)},
        {"event_hooks": {}},
        {"proxy": httpx.Proxy("http://h:3128", auth=("user", "password"))},
        {"proxy": httpx.URL("https://[::1]:3128/")},
    ],
    ids=str,
)
def test_a_client_accepts_a_valid_setting(setting: dict[str, Any]) -> None:
    new(ProvClient, AUTH, CONFIG, **setting)


@pytest.mark.parametrize("name", ["interactive", "open_browser"])
def test_a_flag_of_the_device_flow_must_be_a_bool(name: str) -> None:
    settings: dict[str, Any] = {name: "no"}
    with pytest.raises(ConfigError, match=f"{name} must be"):
        DeviceFlow(CONFIG, "notebooks", **settings)


def test_allow_http_must_be_a_bool() -> None:
    value: Any = "false"
    with pytest.raises(ConfigError, match="allow_http must be"):
        APIOverrides(allow_http=value)


@pytest.mark.parametrize(
    ("policy", "name"),
    [
        *((RetryPolicy, name) for name in ("backoff", "max_backoff", "max_retry_after")),
        (RetryPolicy, "deadline"),
        *((PollPolicy, name) for name in ("interval", "max_interval", "factor", "deadline")),
        (PollPolicy, "not_found_grace"),
    ],
)
def test_a_policy_rejects_a_number_that_no_clock_supports(policy: type[Any], name: str) -> None:
    for value in (1e10, 1e300, 10**400):
        with pytest.raises(ConfigError, match=f"^{name} must be a number .*at most"):
            policy(**{name: value})


@BOTH
def test_a_long_deadline_does_not_shorten_a_wait(server: Server) -> None:
    def slow(_: Received) -> bytes:
        time.sleep(0.6)
        return HEALTH_REPLY

    server.response = slow
    # Sockets wait for milliseconds in 32 bits: this would overflow to 0.3 s.
    policy = RetryPolicy(attempts=1, deadline=2**32 / 1000 + 0.3)
    client = client_for(server.url, timeout=httpx.Timeout(None), retries=policy)
    assert run(client.get_health_check()).message


WITHOUT_EXTRAS = """
import sys
sys.modules["socksio"] = sys.modules["aiohttp"] = None
from prov_facade import *
auth, config = BearerToken("token"), Config("prov.test", "r")
proxy = "socks5://user:hunter2@proxy.test:1"
for attempt in (
    lambda: ProvClient(auth, config, transport="aiohttp"),
    lambda: ProvClient(auth, config, proxy=proxy),
    lambda: SyncProvClient(auth, config, proxy=proxy),
    lambda: ClientCredentials(config, "c", "s", proxy=proxy),
):
    try:
        attempt()
    except ConfigError as error:
        print(error)
"""


def test_a_setting_that_needs_an_extra_is_rejected_at_construction() -> None:
    found = run_python("-c", WITHOUT_EXTRAS)
    lines = found.stdout.splitlines()
    assert len(lines) == 4, found.stderr
    assert lines[0].startswith("transport='aiohttp' needs prov-facade[aiohttp]")
    assert "proxy" not in lines[0]
    assert set(lines[1:]) == {"proxy names a SOCKS proxy: install prov-facade[socks]"}


def test_a_socks_proxy_for_aiohttp_is_rejected() -> None:
    pytest.importorskip("aiohttp")
    proxy = "socks5://user:hunter2@proxy.test:1"
    with pytest.raises(ConfigError, match="proxy names a SOCKS proxy: transport='aiohttp'"):
        ProvClient(AUTH, CONFIG, proxy=proxy, transport="aiohttp")


# Callbacks


async def coroutine_function(_: Any) -> None: ...


class Callback:
    async def __call__(self, _: Any) -> None: ...


def test_the_device_flow_rejects_a_coroutine_function() -> None:
    for prompt in (coroutine_function, Callback(), partial(coroutine_function)):
        with pytest.raises(ConfigError, match="prompt must be a plain function"):
            DeviceFlow(CONFIG, "notebooks", prompt=prompt)


@pytest.mark.parametrize("name", ["request", "response"])
def test_an_event_hook_of_the_wrong_kind_is_rejected(
    name: str, server: Server, client_kind: ClientKind
) -> None:
    server.response = HEALTH_REPLY
    if client_kind == "sync":
        with pytest.raises(ConfigError, match="event_hooks must be"):
            client_for(server.url, event_hooks={name: [coroutine_function]})
        return
    client = client_for(server.url, event_hooks={name: [lambda _: None]})
    error = failure(ConfigError, client.get_health_check())
    assert "event_hooks must be coroutine functions" in str(error)
    assert len(server.received) == (name == "response")


# Methods


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, where methods that save a file would put it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


Waiting = Callable[..., Awaitable[object]]


async def _watch(client: ProvClient, **options: Any) -> None:
    async for _ in client.jobs.watch(SESSION, **options):
        pass


WAITING: dict[str, Callable[[ProvClient], Waiting]] = {
    "wait": lambda c: partial(c.jobs.wait, SESSION),
    "wait_for_model_run": lambda c: partial(c.jobs.wait_for_model_run, SESSION),
    "wait_for_batch": lambda c: partial(c.jobs.wait_for_batch, SESSION),
    "wait_for_report": lambda c: partial(c.jobs.wait_for_report, SESSION),
    "save_report": lambda c: partial(c.jobs.save_report, SESSION, "report.docx"),
    "register_and_wait": lambda c: partial(c.register_and_wait, RECORD),
    "update_and_wait": lambda c: partial(c.update_and_wait, "1", "why", RECORD),
    "link_to_study_and_wait": lambda c: partial(c.link_to_study_and_wait, "1", "2"),
}
WITHOUT_CALLBACK: dict[str, Callable[[ProvClient], Waiting]] = {
    "watch": lambda c: partial(_watch, c),
    "generate_report": lambda c: partial(c.generate_report, REPORT),
    "download_report": lambda c: partial(c.download_report, REPORT, "report.docx"),
}


@pytest.mark.parametrize("polling", [{"deadline": 5}, 30, PollPolicy])
@pytest.mark.parametrize("method", [*WAITING, *WITHOUT_CALLBACK])
def test_a_method_rejects_an_invalid_policy_and_sends_nothing(
    method: str, polling: Any, server: Server, folder: Path
) -> None:
    call = {**WAITING, **WITHOUT_CALLBACK}[method](client_for(server.url))
    error = failure(InvalidRequestError, call(polling=polling))  # type: ignore[arg-type]
    assert error.path == "$.polling"
    assert "polling must be a PollPolicy" in str(error)
    assert error.operation
    assert not server.received
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    ("callback", "message"),
    [
        ("x", "on_change must be a function"),
        (3, "on_change must be a function"),
        (coroutine_function, "on_change must be a plain function"),
        (partial(coroutine_function), "on_change must be a plain function"),
        (Callback(), "on_change must be a plain function"),
    ],
    ids=["text", "number", "async", "partial", "object"],
)
@pytest.mark.parametrize("method", WAITING)
def test_a_method_rejects_an_invalid_callback_and_sends_nothing(
    method: str, callback: Any, message: str, server: Server, folder: Path
) -> None:
    call = WAITING[method](client_for(server.url))
    error = failure(InvalidRequestError, call(on_change=callback))  # type: ignore[arg-type]
    assert error.path == "$.on_change"
    assert message in str(error)
    assert not server.received
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    "timeout", [math.inf, math.nan, 1e10, httpx.Timeout(math.nan), httpx.Timeout(-1), "30"]
)
def test_a_method_rejects_an_invalid_timeout_and_sends_nothing(
    timeout: Any, server: Server, folder: Path
) -> None:
    client = client_for(server.url)
    for call in (client.get_health_check, *(make(client) for make in WAITING.values())):
        error = failure(ConfigError, call(timeout=timeout))  # type: ignore[arg-type]
        assert "timeout" in str(error)
        assert "must be a number" in str(error)
    assert not server.received
    assert not list(folder.iterdir())


class PydanticRecord(pydantic.BaseModel):
    display_name: str = "Run"


class PydanticV1Record(pydantic.v1.BaseModel):
    display_name: str = "Run"


async def async_records() -> AsyncIterator[Any]:
    yield RECORD


@pytest.mark.parametrize(
    "record",
    [
        RECORD,
        models.ModelRunRecord.from_dict(RECORD),
        models.RegisterBatchModelRunRequest(records=[]),
        PydanticRecord(),
        PydanticV1Record(),
        "runs.csv",
        b"runs",
        5,
        None,
        async_records,
    ],
    ids=lambda value: type(value).__name__,
)
def test_registering_many_rejects_a_single_record(record: Any, server: Server) -> None:
    async def register() -> None:
        async for _ in client_for(server.url).register_many(record):
            pass

    error = failure(InvalidRequestError, register())
    assert error.path == "$.records"
    assert "records must be an iterable of model runs, such as a list" in str(error)
    assert not server.received


@pytest.mark.parametrize("value", ["no", 1, None])
def test_overwrite_must_be_a_bool(value: Any, server: Server, tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_text("precious")
    client = client_for(server.url)
    for call in (
        client.download_report(REPORT, target, overwrite=value),
        client.save_csv_template("1", target, overwrite=value),
        client.save_csv_from_batch("1", target, overwrite=value),
        client.jobs.save_report(SESSION, target, overwrite=value),
    ):
        error = failure(InvalidRequestError, call)
        assert error.path == "$.overwrite"
    assert not server.received
    assert target.read_text() == "precious"
