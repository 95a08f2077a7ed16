"""How people are spoken to: the language of a command, its sentences in Chinese, and the names of legs and causes."""
