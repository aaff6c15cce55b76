"""Agents behind front ends: the protocols of the Vercel AI SDK and of AG-UI, both ways."""
