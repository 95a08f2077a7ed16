"""How things stand, for whoever asks: what a day amounts to, what is silent, unread or uncertified, one order's life."""
