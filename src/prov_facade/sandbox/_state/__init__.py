"""The state of the sandbox: items, jobs, links, and what is derived from them."""
