"""Which connections are used again, and what happens if one turns out to be closed."""

from __future__ import annotations

import time
from contextlib import nullcontext

import pytest
from clients import client_for, every_transport, retrying_client, run, sandbox_client
from sample_calls import LINEAGE, LINEAGE_REPLY, RECORD, SAMPLES
from scripted_server import Last, Received, Reply, Script, Server, json_reply, reply

from prov_facade import APIError, ServerError, TransportError
from prov_facade.sandbox import Fault, Sandbox, unhandled_error

REGISTERED = SAMPLES["register_model_run"].reply

UNHANDLED = {
    "text": reply(b"Internal Server Error", "text/plain; charset=utf-8", 500),
    "json": json_reply({"detail": "Oh no."}, 500),
    "chunked": (
        b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nOh no\r\n0\r\n\r\n"
    ),
    "empty": reply(b"", None, 500),
}


@pytest.mark.parametrize("body", UNHANDLED)
@every_transport
def test_a_connection_is_not_used_again_after_an_internal_error(body: str, server: Server) -> None:
    server.response = Script(Last(UNHANDLED[body]), REGISTERED)

    async def work() -> None:
        async with client_for(server.url) as client:
            with pytest.raises(ServerError):
                await client.explore_upstream("1")
            await client.register_model_run(RECORD)

    run(work())
    assert (len(server.received), server.opened) == (2, 2)


@pytest.mark.parametrize("fault", [unhandled_error(), Fault(status=500, close=True)])
@every_transport
def test_a_write_after_an_unhandled_error_of_the_sandbox_succeeds(fault: Fault) -> None:
    with Sandbox() as sandbox:
        record = sandbox.items("MODEL_RUN")[-1].body["record"]
        sandbox.faults.add("explore_upstream", *[fault] * 5)

        async def work() -> None:
            async with sandbox_client(sandbox) as client:
                for _ in range(5):
                    with pytest.raises(ServerError):
                        await client.explore_upstream("1")
                    await client.register_model_run(record)

        run(work())


@pytest.mark.parametrize("status", [200, 400, 422, 503])
@every_transport
def test_a_connection_is_used_again_after_any_other_response(status: int, server: Server) -> None:
    server.response = json_reply(LINEAGE if status == 200 else {"detail": "."}, status)

    async def work() -> None:
        async with client_for(server.url) as client:
            for _ in range(3):
                with nullcontext() if status == 200 else pytest.raises(APIError):
                    await client.explore_upstream("1")

    run(work())
    assert (len(server.received), server.opened) == (3, 1)


@every_transport
def test_a_write_is_not_sent_on_a_connection_that_the_server_has_closed(server: Server) -> None:
    server.response, server.keeps_open = Script(LINEAGE_REPLY, REGISTERED), False

    async def work() -> None:
        async with client_for(server.url) as client:
            await client.explore_upstream("1")
            time.sleep(0.1)  # noqa: ASYNC251  (the event loop must not notice)
            await client.register_model_run(RECORD)

    run(work())
    assert (len(server.received), server.opened) == (2, 2)


@every_transport
def test_a_call_on_a_connection_that_the_server_closes_meanwhile_may_have_arrived(
    server: Server,
) -> None:
    def respond(request: Received) -> Reply:
        # The connection closes instead of a second response.
        return Last(LINEAGE_REPLY) if request.method == "GET" else REGISTERED

    server.response = respond

    async def work() -> None:
        async with retrying_client(server.url) as client:
            await client.explore_upstream("1")
            await client.explore_upstream("1")  # a read is sent again
            with pytest.raises(TransportError, match="check before sending it again") as caught:
                await client.register_model_run(RECORD)
            assert caught.value.may_have_arrived
            assert len(caught.value.attempts) == 1
            await client.register_model_run(RECORD)

    run(work())
    assert (len(server.received), server.opened) == (3, 3)
