"""What may be maximised, and under which constraints, when it is no sum over examples.

    C[i, j]  share of a split's examples with label i and prediction j
    π        label shares: C's row sums on that split, or those of the training set in a gain
    λ        multipliers, one for each rate under a minimum and one for each constraint
    G[i, j]  gain of predicting j for label i; the Bayes decision is argmax_j Σ_i G_ij p_i(x)

The goal and its constraints make a Lagrangian L(C, λ). Its derivative by C is the gain matrix of a
cost-sensitive loss; its derivative by λ, estimated on held-out data, moves λ
(narasimhan2021training). `rates.py` holds what is linear in C, `goals.py` what is maximised,
`objective.py` the Lagrangian, `named.py` the paper's problems and `parse.py` how they are written.

Pure NumPy in float64; nothing here knows a network. Constraints on rates of groups are left out:
they need C[group, i, j] and a gain for each group, which a loss over classes cannot follow.
"""
