"""Ways to tell people outside of gavelq: webhooks, mail, and what Apprise knows."""
