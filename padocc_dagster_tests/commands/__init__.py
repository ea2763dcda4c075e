"""The manual steps as commands, on real working directories."""
