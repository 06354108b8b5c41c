"""What may be compared: in which unit losses can be, and beside which published figures."""
