"""A house in many processes on one machine: who starts them, watches them, and ends them."""
