import os

# tests read what commands say; the locale of whoever runs them does not matter
os.environ["DUIZHANG_LANG"] = "en"
