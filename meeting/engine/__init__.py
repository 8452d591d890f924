"""The inference engine: where its library is, and how it is run, in this process or beside it."""
