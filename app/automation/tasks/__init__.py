"""What waits for a person: steps of workflows and calls of agents, and how they are decided."""
