"""Adapters that carry the domains over a wire."""
