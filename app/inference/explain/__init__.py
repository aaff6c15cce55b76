"""Why a route takes the candidate that it takes: said for a request that nobody makes."""
