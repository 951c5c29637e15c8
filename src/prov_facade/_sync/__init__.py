# Made of src/prov_facade/_async by `nox -s codegen`: change that, not this file.
"""The asynchronous client, from which the synchronous one is made."""
