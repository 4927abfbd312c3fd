"""The real pages of a visit around a client that is made up: 1 to 8 people, any trouble, no second browser, no engine."""
