"""A fleet to look at: endpoints of all kinds of health in several subscriptions, kept in the store; nothing runs."""
