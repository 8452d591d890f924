"""Media from outside, decoded in a child process that can harm nobody."""
