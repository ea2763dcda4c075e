"""What people and sensors do to groups and projects: jobs of the launchpad and commands of the command line, over the same functions."""
