"""gRPC: what other processes and foreign clients call, and how we call the other processes."""
