"""What the project declares for all who read it: canonical tables, closed lists of words, legs, matching passes, currencies."""
