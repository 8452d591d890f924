"""The reverse proxy in front of a split: HTTP and WebSockets, streamed to the routes' owners."""
