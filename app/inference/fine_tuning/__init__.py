"""Fine-tuning jobs: a data set that is checked here, and a provider that trains on it."""
