"""What models cost: genai-prices, and what a workspace says of its own."""
