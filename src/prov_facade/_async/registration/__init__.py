"""Registers any number of model runs, each only once."""
