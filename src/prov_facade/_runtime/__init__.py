"""The runtime of the clients: asyncio tasks (``aio``) or threads (``threads``)."""
