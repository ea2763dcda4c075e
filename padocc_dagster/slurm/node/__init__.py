"""What runs in a job on its node. Standard library only: every job loads this."""
