"""The response cache: answers given again, and identical calls under way made once."""
