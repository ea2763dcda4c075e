"""Runs and their jobs: submitted, watched, cancelled and brought to their end."""
