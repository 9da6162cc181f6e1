"""Head: what a target should look like, computed from its baseline and every open hold. Pure."""
