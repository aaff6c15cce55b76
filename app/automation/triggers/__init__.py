"""What starts workflows by itself: times, webhooks, events and forms, and what came of each."""
