"""How each dictionary is held to: in prompts, in answers, and in what is suggested of it."""
