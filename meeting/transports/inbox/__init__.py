"""Frames from process to process over Redis: a stream for each process that has sockets."""
