"""The sandbox on a terminal: a live picture, or plain lines where there is none."""
