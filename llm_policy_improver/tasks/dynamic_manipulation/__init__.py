"""The five tasks of ICPI (arXiv 2508.15021), slide, slide-gc, rope-swing, rope-swing-gc, roll-gc, and slide-gc-5.

Three parameters each, five in the last one. The paper states no ranges, units, costs, physics, starts or goals: those
here are our own, and docs/tasks.md lists them.
"""
