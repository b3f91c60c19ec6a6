"""Measures of GPUs and tasks over time, in a SQLite file of their own. Losing it harms nothing else."""
