"""Initialisation, the watch and the manual steps: jobs of Dagster; of the steps, commands are made from the same functions."""
