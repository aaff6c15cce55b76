"""Reranking: texts put into the order in which they answer a question, by a provider's model."""
