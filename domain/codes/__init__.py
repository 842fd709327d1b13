"""Codes that a campaign hands out, one for each customer: pools of them, who holds which, and what was redeemed."""
