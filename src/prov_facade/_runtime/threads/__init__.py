"""What the synchronous client runs on: the interface of ``aio``, with threads instead of tasks."""
