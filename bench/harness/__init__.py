"""The parts of bench/run: what is measured, on which configuration, how, and what it says."""
