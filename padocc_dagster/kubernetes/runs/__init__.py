"""Runs and their pods: created, watched, and brought to their end."""
