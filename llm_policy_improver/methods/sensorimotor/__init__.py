"""Sensory-motor control by iterative policy refinement (arXiv 2506.04867): rules in words, then the code for them.

Methods and prompts are our own; what was changed is told in docs/methods.md.
"""
