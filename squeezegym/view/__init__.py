"""What a person looks at: text frames and figures."""
