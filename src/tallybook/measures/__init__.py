"""Measures: daily counts, rolling averages, rates. Frames in, frames out, nothing else."""
