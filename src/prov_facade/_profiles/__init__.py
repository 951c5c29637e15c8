"""Clients from arguments, the environment and a configuration file."""
