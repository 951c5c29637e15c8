"""Requests and responses, without the network."""
