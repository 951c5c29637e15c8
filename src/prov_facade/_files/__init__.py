"""Files on this machine: atomic replacement, uploads, reports."""
