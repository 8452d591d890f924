"""Where things are kept: rows, documents and objects."""
