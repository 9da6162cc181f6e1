"""Words: what senders tell us, and the matchers that speak about it. Pure."""
