"""Rules: playbooks read, checked and rendered into asks. Pure but for reading files."""
