"""`flow/1`, the language of workflow definitions: its documents, expressions and checks."""
