"""The engine's contract on ZeroMQ, from the side of those who ask."""
