"""The runtime of the asynchronous client. ``threads`` is that of the synchronous client."""
