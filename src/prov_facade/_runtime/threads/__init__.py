"""The runtime of the synchronous client: the interface of ``aio``, with threads, not tasks."""
