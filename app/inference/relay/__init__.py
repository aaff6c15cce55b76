"""The gateway for OpenAI clients: bytes passed through where the upstream is of that dialect."""
