"""Puts the house together: a file for each module that is made, and one that makes them all."""
