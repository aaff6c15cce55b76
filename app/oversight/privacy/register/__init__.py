"""The register of processing, drawn from the declarations."""
