"""Meetings: their life, who takes part, and what was said in them."""
