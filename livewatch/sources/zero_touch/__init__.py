"""The loop of a gateway that embeds nothing, read from outside."""
