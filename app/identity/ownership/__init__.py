"""What an owner does with a whole workspace, and leaving one."""
