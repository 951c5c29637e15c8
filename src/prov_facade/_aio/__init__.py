"""What the asynchronous client stands on. ``_blocking`` offers the same to the synchronous one."""
