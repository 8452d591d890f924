"""Mails: to a server that is set, or as files into a folder."""
