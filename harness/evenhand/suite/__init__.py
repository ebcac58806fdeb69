"""From a suite file to its trials: reading, checks, expansion and resolution."""
