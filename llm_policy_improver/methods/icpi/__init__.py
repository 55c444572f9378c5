"""ICPI, In-Context Iterative Policy Improvement (arXiv 2508.15021), and the numeric baselines beside it.

A method of this room changes the last parameters by what solved examples show: parameters, the error they left, and
the change that took it away.
"""
