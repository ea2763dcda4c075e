"""A batch job as text: the options of sbatch and the script."""
