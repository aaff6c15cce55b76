"""Templates out of files: our own, and what people saved of OpenAI's prompts."""
