"""What an agent is: its definition, in versions that labels point to."""
