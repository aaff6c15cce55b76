"""What touches an account and its sessions together: proof of the address, passwords, its end."""
