"""The connection to Redis that tasks and events travel through, and its scripts."""
