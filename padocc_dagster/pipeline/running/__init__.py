"""Phases: which one is due, and how one is run in a process of its own."""
