"""SLURM's programs, what they print, and one look at the queue for every process."""
