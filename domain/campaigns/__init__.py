"""Campaigns: drafted as a form, tested, approved, launched; each of its runs is fanned out into deliveries."""
