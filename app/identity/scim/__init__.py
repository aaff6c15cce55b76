"""SCIM 2.0: an organisation's directory keeps a workspace's members."""
