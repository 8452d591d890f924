"""Accounts, credentials and profiles."""
