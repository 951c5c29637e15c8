"""What the clients run on: tasks (``aio``) or threads (``threads``)."""
