"""Two thin adapters that put the signalling session on a WebSocket."""
