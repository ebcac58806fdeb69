"""Non-decomposable objectives and their constraints.

    C[g, i, j]  share of a split's examples of group g with label i and prediction j
    C[i, j]     sum of C over groups; every rate that does not name groups is a function of it
    π           shares of labels and groups [classes, groups], those of C, or those of the training
                set in a gain
    λ           Lagrange multipliers, one for each rate under a minimum and one for each bound
    G[i, j]     gain of predicting j for label i, or G[g, i, j] for label i of group g; the Bayes
                decision is argmax_j Σ_i G_ij p(i|x), or argmax_j Σ_gi G_gij p(g, i|x)

The goal and its constraints form a Lagrangian L(C, λ). Its derivative by C is the gain of a
cost-sensitive loss, and its derivative by λ, estimated on held-out data, is the update of λ
(narasimhan2021training). `rates.py` holds rates that are linear in C, `goals.py` the goals,
`constraints.py` the constraints, `objective.py` the Lagrangian, `parse.py` the text form, and
`training_set.py` subsets of classes.

Pure NumPy in float64; no module here uses a network.
"""
