"""Helpers of the backpropagation notebooks: derivations that are proved, code that is checked, figures."""
