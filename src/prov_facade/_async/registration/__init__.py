"""Registers any number of model runs, each of them only once."""
