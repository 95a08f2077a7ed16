"""What `make reliability` tries by force, a kind of trouble a module."""
