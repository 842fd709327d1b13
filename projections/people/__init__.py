"""People: the contacts view (accounts on channels), the customers view (who is behind them), and how a person is found in them."""
