"""What a model is given beside the conversation: cited passages, and the terms that hold."""
