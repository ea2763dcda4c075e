"""A private SLURM on one machine, with accounting and real memory limits, for tests and for trying things out. Knows no Dagster."""
