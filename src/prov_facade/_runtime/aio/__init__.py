"""What the asynchronous client runs on. ``threads`` offers the same to the synchronous client."""
