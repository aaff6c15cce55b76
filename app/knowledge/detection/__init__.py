"""Terms in texts: found in any form, read by their context, held to in prompts and answers."""
