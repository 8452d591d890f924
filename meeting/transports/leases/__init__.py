"""Holds on keys in Redis, by the server's own time."""
