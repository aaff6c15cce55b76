"""What enters a prompt within its budget, and what is left out: one place for chats and agents."""
