"""The file formats, each as pure functions between concepts and bytes."""
