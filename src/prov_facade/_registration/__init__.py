"""Batch registration: batches, the manifest, CSV tables."""
