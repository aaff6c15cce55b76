"""Storage: where uploaded files are kept, in the data folder or any S3-compatible store."""
