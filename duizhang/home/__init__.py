"""What a home keeps and how: working tables, state, events, published tables, and files that outlast a kill."""
