"""What `munal bench kernel` is made of: guests that measure, and rows that compare them."""
