"""The manual steps as commands, a file for each noun. Each asks for the job of the same name and prints what came of it."""
