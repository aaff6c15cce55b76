"""What runs within the sandbox's process; of all code here only this may be imported there.

It imports nothing but the standard library, and `app` is out of reach once the walls stand.
"""
