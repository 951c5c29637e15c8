"""What the synchronous client stands on: what ``_aio`` offers, for threads instead of tasks."""
