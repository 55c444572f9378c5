"""What the methods that write programs share: the task as it is told, replies with source text, returns."""
