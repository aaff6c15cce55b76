"""The routes of privacy that want a person who has just proved themselves."""
