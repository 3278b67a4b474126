"""Music made to train on: a collection a module. Nothing else imports it at module level."""
