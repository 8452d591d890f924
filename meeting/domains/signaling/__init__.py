"""Live signalling: sessions, rooms, and frames from peer to peer."""
