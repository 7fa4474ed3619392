"""How the channels speak: shops' webhooks, the topic ``intake.orders``, and the envelope raw messages are kept in."""
