"""Keys: raw files sealed at rest, and pseudonyms of persons who can be forgotten."""
