"""Customers of a customer: end users with limits of their own."""
