"""The connection to Redis that tasks, events and leases travel through, and its scripts."""
