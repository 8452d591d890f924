"""What users are told: a history for each of them, and a frame to the sockets that are open."""
