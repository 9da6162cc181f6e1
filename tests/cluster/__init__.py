"""The hands, held to a real API server, and to a faulty one for what that can't be made to do."""
