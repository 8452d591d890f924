"""The domains: each a package that others know by `api` and `events` alone."""
