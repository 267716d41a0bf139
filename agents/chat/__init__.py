"""What an endpoint sends to a chat server, and how it reads the answers. No input or output happens here."""
