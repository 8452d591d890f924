"""REST: the gate that every request passes, and a file of routes a domain."""
