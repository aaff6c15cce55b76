"""Templates of prompts, agents and workflows: variables, versions, packs, and ways to make them."""
