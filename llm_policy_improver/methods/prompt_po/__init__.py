"""PromptPO, Prompted Policy Optimization (arXiv 2605.30719): a language model writes policies as programs, in rounds.

Methods and prompts are our own; what was changed is told in docs/methods.md.
"""
