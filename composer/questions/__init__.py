"""Questions about a system: why and why not, what differs, what bytes are for. One module an idea; cli/questions.py asks them."""
