"""The state: what pgplan manages, where it is kept, and how it is changed safely."""
