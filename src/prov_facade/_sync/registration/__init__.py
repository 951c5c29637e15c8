# Made of src/prov_facade/_async by `nox -s codegen`: change that, not this file.
"""Registers any number of model runs, each of them once."""
