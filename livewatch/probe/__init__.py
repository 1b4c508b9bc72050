"""What a gateway embeds; standard library only."""
