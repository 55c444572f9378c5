"""Programs that try to get out of the sandbox, each with a witness that tells whether it did."""
