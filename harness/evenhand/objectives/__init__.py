"""What may be maximised, and under which constraints, when it is no sum over examples.

    C[g, i, j]  share of a split's examples of group g with label i and prediction j
    C[i, j]     its sum over groups, of which all is made that does not name groups
    π           shares of labels and groups [classes, groups]: C's own, or the training set's in a
                gain
    λ           multipliers, one for each rate under a minimum and one for each bound
    G[i, j]     gain of predicting j for label i, or G[g, i, j] for label i of group g; the Bayes
                decision is argmax_j Σ_i G_ij p(i|x), or argmax_j Σ_gi G_gij p(g, i|x)

The goal and its constraints make a Lagrangian L(C, λ). Its derivative by C is the gain of a
cost-sensitive loss; its derivative by λ, estimated on held-out data, moves λ
(narasimhan2021training). `rates.py` holds what is linear in C, `goals.py` what is maximised,
`constraints.py` what is bounded, `objective.py` the Lagrangian, `parse.py` how objectives are
written, and `training_set.py` which classes are meant.

Pure NumPy in float64; nothing here knows a network.
"""
