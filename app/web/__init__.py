"""Between HTTP and the schema: how requests come in, who sends them, how much they may ask, and what is told about them."""
