"""What an API server must do for us: one suite, the embedded server and the real one."""
