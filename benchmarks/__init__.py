"""The P series of measurements: one command each, such as `python -m benchmarks.signing`, printing ratios of one run."""
